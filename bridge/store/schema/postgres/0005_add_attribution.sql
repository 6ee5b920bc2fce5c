-- Whose click a sale is, what waits for a click id, and what money went back.

-- Every click of a customer, not only the last: a sale that comes late belongs to the click before it.
-- (No PostgreSQL ever had any of the version before.)
DROP TABLE associations;

CREATE TABLE associations (
    -- of an e-mail address '@email', and the customer is its keyed hash
    namespace  TEXT COLLATE "C" NOT NULL,
    customer   TEXT COLLATE "C" NOT NULL,
    click_id   TEXT COLLATE "C" NOT NULL,
    -- when the click was first heard of, and by which event: to hear of it again makes it no younger
    clicked_at BIGINT NOT NULL,
    event_id   BIGINT NOT NULL,
    -- the last event that told of it: retention goes by that
    told_by    BIGINT NOT NULL,
    -- when it first led to a sale of this customer; NULL as long as it did not
    paid_at    BIGINT,
    PRIMARY KEY (namespace, customer, click_id)
);

CREATE INDEX associations_told ON associations (told_by);

-- 32 random bytes, made here and never changed: without them the hashes of addresses say nothing.
CREATE TABLE secrets (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

INSERT INTO secrets
SELECT 'email', sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8')) FROM generate_series(1, 4);

-- where a sale without click id may take one from: 'customer', 'email', both with a comma, or nothing
ALTER TABLE deliveries ADD COLUMN fill TEXT COLLATE "C" NOT NULL DEFAULT 'customer';

-- the event whose click id it took, when that is not its own
ALTER TABLE deliveries ADD COLUMN filled_from BIGINT;

-- until when it waits for a click id; NULL for what waits for the tracker, or not at all
ALTER TABLE deliveries ADD COLUMN click_by BIGINT;

-- the keyed hash of the address by which a click may be found while it waits
ALTER TABLE deliveries ADD COLUMN click_email TEXT COLLATE "C";

DROP INDEX deliveries_waiting;

CREATE INDEX deliveries_waiting ON deliveries (due_at, id) WHERE state = 'waiting' AND click_by IS NULL;
CREATE INDEX deliveries_awaiting ON deliveries (due_at, id) WHERE state = 'waiting' AND click_by IS NOT NULL;
CREATE INDEX deliveries_address ON deliveries (click_email) WHERE state = 'waiting' AND click_email IS NOT NULL;

-- Money that went back. Which sale it is of is looked up by name, so neither has to come first.
CREATE TABLE reversals (
    id          BIGINT PRIMARY KEY,
    event_id    BIGINT NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    item        BIGINT NOT NULL,
    rule        TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    -- whole minor units, however many
    amount      TEXT COLLATE "C" NOT NULL,
    currency    TEXT COLLATE "C" NOT NULL,
    happened_at BIGINT NOT NULL,
    -- the first that is the same one, often itself: of them the largest amount counts
    same_as     BIGINT NOT NULL,
    -- the sale's claims, and its own names
    sale        TEXT COLLATE "C" NOT NULL,
    names       TEXT COLLATE "C" NOT NULL
);

CREATE INDEX reversals_event ON reversals (event_id);
CREATE INDEX reversals_same ON reversals (same_as);

CREATE TABLE reversal_names (
    name        TEXT COLLATE "C" NOT NULL,
    reversal_id BIGINT NOT NULL
);

-- A name may be longer than an entry of a B-tree.
CREATE INDEX reversal_names_name ON reversal_names USING hash (name);

-- How many there ever were: retention takes rows away, and a counter must not fall.
CREATE TABLE reversal_counts (
    source TEXT COLLATE "C" NOT NULL,
    kind   TEXT COLLATE "C" NOT NULL,
    count  BIGINT NOT NULL,
    PRIMARY KEY (source, kind)
);
