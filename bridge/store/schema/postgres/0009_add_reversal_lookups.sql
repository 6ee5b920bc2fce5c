-- older code: since 7
-- What a sender was asked, or is to be asked, about money that went back: which sale it is of stands in no event.
CREATE TABLE reversal_lookups (
    reversal_id BIGINT PRIMARY KEY,
    -- when to ask next; NULL once there is nothing more to learn
    due_at      BIGINT,
    tries       BIGINT NOT NULL,
    -- what came of it, for people
    note        TEXT COLLATE "C" NOT NULL
);

CREATE INDEX reversal_lookups_due ON reversal_lookups (due_at, reversal_id) WHERE due_at IS NOT NULL;

INSERT INTO reversal_lookups SELECT id, happened_at, 0, '' FROM reversals;
