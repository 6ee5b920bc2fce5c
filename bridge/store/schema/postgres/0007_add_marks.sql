-- older code: since 7
-- What a database says of itself: that it has moved, came from elsewhere, or is a backup. A marked one is not served.
CREATE TABLE marks (
    name   TEXT COLLATE "C" PRIMARY KEY,
    text   TEXT COLLATE "C" NOT NULL,
    set_at BIGINT NOT NULL
);
