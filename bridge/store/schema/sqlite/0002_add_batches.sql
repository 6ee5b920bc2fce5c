-- The items of one webhook's batch: each is an event, and one of them holds the body for all.
-- Whoever holds a body has NULL (or 0) here, which SQLite reads without walking the body's overflow pages.

-- which item, counted from 0; NULL for a webhook that is one event
ALTER TABLE events ADD COLUMN item INTEGER;

-- the event that holds this one's body; NULL for one that has its own
ALTER TABLE events ADD COLUMN body_of INTEGER;

CREATE INDEX events_body_of ON events (body_of) WHERE body_of IS NOT NULL;
