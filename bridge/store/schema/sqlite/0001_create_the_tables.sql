-- Times are integer milliseconds UTC; booleans 0 and 1; ids are given out by the writer as max(id) + 1.

CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    key         TEXT NOT NULL,
    source_id   TEXT,
    type        TEXT,
    occurred_at INTEGER,
    received_at INTEGER NOT NULL,
    test        INTEGER NOT NULL,
    account     TEXT,
    verified_by TEXT NOT NULL,
    revision    TEXT NOT NULL,
    headers     TEXT NOT NULL,
    query       TEXT NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    steps       TEXT NOT NULL,
    -- 1 once retention took body, headers, query and explanation; only then may the key follow
    forgotten   INTEGER NOT NULL DEFAULT 0,
    -- the last column, so that reading the others does not walk its overflow pages
    body        BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_key ON events (source, key);
CREATE INDEX events_state ON events (state, id);
CREATE INDEX events_source ON events (source, state, id);
CREATE INDEX events_age ON events (forgotten, received_at);
CREATE INDEX events_source_id ON events (source_id) WHERE source_id <> key;

CREATE TABLE deliveries (
    id               INTEGER PRIMARY KEY,
    event_id         INTEGER NOT NULL,
    source           TEXT NOT NULL,
    item             INTEGER NOT NULL,
    rule             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    -- the customer_external_id as sent; the payload does not repeat it
    lane             TEXT NOT NULL,
    state            TEXT NOT NULL,
    -- 1 on the one delivery of its lane that may be claimed
    head             INTEGER NOT NULL DEFAULT 0 CHECK (head = 0 OR state = 'pending'),
    due_at           INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    lease_until      INTEGER,
    attempts         INTEGER NOT NULL DEFAULT 0,
    tries            INTEGER NOT NULL DEFAULT 0,
    -- when the budget began to run, on a clock that stands still while the tracker is paused
    budget_from      INTEGER,
    unsure           INTEGER NOT NULL DEFAULT 0,
    when_unsure      TEXT NOT NULL,
    refusals         INTEGER NOT NULL DEFAULT 0,
    first_refused_at INTEGER,
    waiting_since    INTEGER,
    waits            INTEGER NOT NULL DEFAULT 0,
    failing_since    INTEGER,
    duplicate_of     INTEGER,
    flags            TEXT NOT NULL DEFAULT '[]',
    reason           TEXT NOT NULL DEFAULT '',
    -- every name this delivery holds, held or would hold; `claims` says who holds it now
    claims           TEXT NOT NULL,
    namespace        TEXT NOT NULL,
    payload          TEXT NOT NULL
) STRICT;

CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_lane ON deliveries (lane, state, id);
CREATE INDEX deliveries_state ON deliveries (state, id);
-- Stuck lanes cost nothing: only heads are in here, however many wait behind them.
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE head = 1;
CREATE INDEX deliveries_waiting ON deliveries (due_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_duplicate ON deliveries (duplicate_of, id) WHERE state = 'duplicate';

CREATE TABLE claims (
    name        TEXT PRIMARY KEY,
    delivery_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    delivery_id INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    sent        TEXT NOT NULL,
    status      INTEGER,
    verdict     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    answer      TEXT NOT NULL,
    counted     INTEGER NOT NULL,
    PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE associations (
    namespace  TEXT NOT NULL,
    customer   TEXT NOT NULL,
    click_id   TEXT NOT NULL,
    clicked_at INTEGER NOT NULL,
    event_id   INTEGER NOT NULL,
    PRIMARY KEY (namespace, customer)
) STRICT, WITHOUT ROWID;

-- One row: bridge.model.Tracker as JSON, so that a new field needs no migration. `beats` is what ping writes.
CREATE TABLE tracker (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL,
    beats    INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO tracker (id, document) VALUES (1, '{}');

CREATE TABLE sources_seen (
    source TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE revisions (
    revision      TEXT PRIMARY KEY,
    source        TEXT NOT NULL,
    text          TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL
) STRICT;
