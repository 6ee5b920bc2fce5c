-- older code: since 5
-- Serves that are up, or were a moment ago.
CREATE TABLE replicas (
    id         TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    -- what it says of itself, as JSON
    document   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What one of them has told for all, and until when the others need not.
CREATE TABLE announcements (
    name  TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
