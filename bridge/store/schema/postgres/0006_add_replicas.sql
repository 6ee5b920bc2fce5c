-- older code: since 5
-- Serves that are up, or were a moment ago.
CREATE TABLE replicas (
    id         TEXT COLLATE "C" PRIMARY KEY,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    -- what it says of itself, as JSON
    document   TEXT COLLATE "C" NOT NULL
);

-- What one of them has told for all, and until when the others need not.
CREATE TABLE announcements (
    name  TEXT COLLATE "C" PRIMARY KEY,
    until BIGINT NOT NULL
);
