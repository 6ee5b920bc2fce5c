-- older code: since 1
-- Times are integer milliseconds UTC; booleans 0 and 1; ids are given out by the writer as max(id) + 1.
-- Texts compare byte by byte: no index then depends on the version of a locale.

CREATE TABLE events (
    id          BIGINT PRIMARY KEY,
    source      TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    source_id   TEXT COLLATE "C",
    type        TEXT COLLATE "C",
    occurred_at BIGINT,
    received_at BIGINT NOT NULL,
    test        BIGINT NOT NULL,
    account     TEXT COLLATE "C",
    verified_by TEXT COLLATE "C" NOT NULL,
    revision    TEXT COLLATE "C" NOT NULL,
    headers     TEXT COLLATE "C" NOT NULL,
    query       TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    steps       TEXT COLLATE "C" NOT NULL,
    -- 1 once retention took body, headers, query and explanation; only then may the key follow
    forgotten   BIGINT NOT NULL DEFAULT 0,
    body        BYTEA NOT NULL
);

CREATE UNIQUE INDEX events_key ON events (source, key);
CREATE INDEX events_state ON events (state, id);
-- (Not by source first: without statistics the planner would take it for the one above.)
CREATE INDEX events_source ON events (state, source, id);
CREATE INDEX events_age ON events (forgotten, received_at, id);
CREATE INDEX events_source_id ON events (source_id) WHERE source_id <> key;

CREATE TABLE deliveries (
    id               BIGINT PRIMARY KEY,
    event_id         BIGINT NOT NULL,
    source           TEXT COLLATE "C" NOT NULL,
    item             BIGINT NOT NULL,
    rule             TEXT COLLATE "C" NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    -- the customer_external_id as sent; the payload does not repeat it
    lane             TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL,
    -- 1 on the one delivery of its lane that may be claimed
    head             BIGINT NOT NULL DEFAULT 0 CHECK (head = 0 OR state = 'pending'),
    due_at           BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    lease_until      BIGINT,
    attempts         BIGINT NOT NULL DEFAULT 0,
    tries            BIGINT NOT NULL DEFAULT 0,
    -- when the budget began to run, on a clock that stands still while the tracker is paused
    budget_from      BIGINT,
    unsure           BIGINT NOT NULL DEFAULT 0,
    when_unsure      TEXT COLLATE "C" NOT NULL,
    refusals         BIGINT NOT NULL DEFAULT 0,
    first_refused_at BIGINT,
    waiting_since    BIGINT,
    waits            BIGINT NOT NULL DEFAULT 0,
    failing_since    BIGINT,
    duplicate_of     BIGINT,
    flags            TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    reason           TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- every name this delivery holds, held or would hold; `claims` says who holds it now
    claims           TEXT COLLATE "C" NOT NULL,
    namespace        TEXT COLLATE "C" NOT NULL,
    payload          TEXT COLLATE "C" NOT NULL
);

CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_lane ON deliveries (lane, state, id);
CREATE INDEX deliveries_state ON deliveries (state, id);
-- Stuck lanes cost nothing: only heads are in here, however many wait behind them.
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE head = 1;
CREATE INDEX deliveries_waiting ON deliveries (due_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_duplicate ON deliveries (duplicate_of, id) WHERE state = 'duplicate';

-- A name may be longer than an entry of a B-tree; of this kind of index only its hash is an entry.
CREATE TABLE claims (
    name        TEXT COLLATE "C" NOT NULL,
    delivery_id BIGINT NOT NULL,
    CONSTRAINT claims_name EXCLUDE USING hash (name WITH =)
);

CREATE TABLE attempts (
    delivery_id BIGINT NOT NULL,
    number      BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    duration_ms DOUBLE PRECISION NOT NULL,
    sent        TEXT COLLATE "C" NOT NULL,
    status      BIGINT,
    verdict     TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    answer      TEXT COLLATE "C" NOT NULL,
    counted     BIGINT NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

CREATE TABLE associations (
    namespace  TEXT COLLATE "C" NOT NULL,
    customer   TEXT COLLATE "C" NOT NULL,
    click_id   TEXT COLLATE "C" NOT NULL,
    clicked_at BIGINT NOT NULL,
    event_id   BIGINT NOT NULL,
    PRIMARY KEY (namespace, customer)
);

-- One row: bridge.model.Tracker as JSON, so that a new field needs no migration. `beats` is what ping writes.
CREATE TABLE tracker (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    document TEXT COLLATE "C" NOT NULL,
    beats    BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

INSERT INTO tracker (id, document) VALUES (1, '{}');

CREATE TABLE sources_seen (
    source TEXT COLLATE "C" PRIMARY KEY
);

CREATE TABLE revisions (
    revision      TEXT COLLATE "C" PRIMARY KEY,
    source        TEXT COLLATE "C" NOT NULL,
    text          TEXT COLLATE "C" NOT NULL,
    first_seen_at BIGINT NOT NULL
);

-- A queue's rows change all the time: what is dead in its indexes must not be walked by every claim.
ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- How many rows a state has changes within minutes. Statistics that say "hardly any" of what there are many by now would
-- make the planner look a customer's deliveries up by their state.
ALTER TABLE events ALTER COLUMN state SET STATISTICS 0;
ALTER TABLE deliveries ALTER COLUMN state SET STATISTICS 0;
