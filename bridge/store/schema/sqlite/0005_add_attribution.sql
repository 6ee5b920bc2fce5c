-- Whose click a sale is, what waits for a click id, and what money went back.

-- Every click of a customer, not only the last: a sale that comes late belongs to the click before it.
ALTER TABLE associations RENAME TO associations_before;

CREATE TABLE associations (
    -- of an e-mail address '@email', and the customer is its keyed hash
    namespace  TEXT NOT NULL,
    customer   TEXT NOT NULL,
    click_id   TEXT NOT NULL,
    -- when the click was first heard of, and by which event: to hear of it again makes it no younger
    clicked_at INTEGER NOT NULL,
    event_id   INTEGER NOT NULL,
    -- the last event that told of it: retention goes by that
    told_by    INTEGER NOT NULL,
    -- when it first led to a sale of this customer; NULL as long as it did not
    paid_at    INTEGER,
    PRIMARY KEY (namespace, customer, click_id)
) STRICT, WITHOUT ROWID;

INSERT INTO associations
SELECT a.namespace, a.customer, a.click_id, a.clicked_at, a.event_id, a.event_id,
    CASE WHEN EXISTS (
        SELECT 1 FROM deliveries AS d
        WHERE d.event_id = a.event_id AND d.lane = a.customer AND d.kind = 'sale' AND d.state <> 'dry_run'
    ) THEN a.clicked_at END
FROM associations_before AS a;

DROP TABLE associations_before;

CREATE INDEX associations_told ON associations (told_by);

-- 32 random bytes, made here and never changed: without them the hashes of addresses say nothing.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO secrets VALUES ('email', randomblob(32));

-- where a sale without click id may take one from: 'customer', 'email', both with a comma, or nothing
ALTER TABLE deliveries ADD COLUMN fill TEXT NOT NULL DEFAULT 'customer';

-- the event whose click id it took, when that is not its own
ALTER TABLE deliveries ADD COLUMN filled_from INTEGER;

-- until when it waits for a click id; NULL for what waits for the tracker, or not at all
ALTER TABLE deliveries ADD COLUMN click_by INTEGER;

-- the keyed hash of the address by which a click may be found while it waits
ALTER TABLE deliveries ADD COLUMN click_email TEXT;

DROP INDEX deliveries_waiting;

CREATE INDEX deliveries_waiting ON deliveries (due_at, id) WHERE state = 'waiting' AND click_by IS NULL;
CREATE INDEX deliveries_awaiting ON deliveries (due_at, id) WHERE state = 'waiting' AND click_by IS NOT NULL;
CREATE INDEX deliveries_address ON deliveries (click_email) WHERE state = 'waiting' AND click_email IS NOT NULL;

-- Money that went back. Which sale it is of is looked up by name, so neither has to come first.
CREATE TABLE reversals (
    id          INTEGER PRIMARY KEY,
    event_id    INTEGER NOT NULL,
    source      TEXT NOT NULL,
    item        INTEGER NOT NULL,
    rule        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    -- whole minor units, however many
    amount      TEXT NOT NULL,
    currency    TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    -- the first that is the same one, often itself: of them the largest amount counts
    same_as     INTEGER NOT NULL,
    -- the sale's claims, and its own names
    sale        TEXT NOT NULL,
    names       TEXT NOT NULL
) STRICT;

CREATE INDEX reversals_event ON reversals (event_id);
CREATE INDEX reversals_same ON reversals (same_as);

CREATE TABLE reversal_names (
    name        TEXT NOT NULL,
    reversal_id INTEGER NOT NULL,
    PRIMARY KEY (name, reversal_id)
) STRICT, WITHOUT ROWID;

-- How many there ever were: retention takes rows away, and a counter must not fall.
CREATE TABLE reversal_counts (
    source TEXT NOT NULL,
    kind   TEXT NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (source, kind)
) STRICT, WITHOUT ROWID;
