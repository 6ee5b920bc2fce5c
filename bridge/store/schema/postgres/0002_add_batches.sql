-- The items of one webhook's batch: each is an event, and one of them holds the body for all.

-- which item, counted from 0; NULL for a webhook that is one event
ALTER TABLE events ADD COLUMN item BIGINT;

-- the event that holds this one's body; NULL for one that has its own
ALTER TABLE events ADD COLUMN body_of BIGINT;

CREATE INDEX events_body_of ON events (body_of) WHERE body_of IS NOT NULL;
