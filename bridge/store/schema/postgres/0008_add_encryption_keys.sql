-- older code: since 7
-- Which keys may have sealed what is stored here, so that nobody starts without one of them.

CREATE TABLE encryption_keys (
    -- made from the key, and says nothing of it
    number  TEXT COLLATE "C" PRIMARY KEY,
    -- its own number, sealed: another key of the same number does not open it
    proof   TEXT COLLATE "C" NOT NULL,
    -- 1 while everything it sealed is being sealed anew; whoever seals with it sets 0 again
    leaving BIGINT NOT NULL DEFAULT 0
);
