-- What a database says of itself: that it has moved, came from elsewhere, or is a backup. A marked one is not served.
CREATE TABLE marks (
    name   TEXT PRIMARY KEY,
    text   TEXT NOT NULL,
    set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
