-- Far monitors that were let in, by their token's SHA-256; `sources` and `kinds` are words with spaces
-- between them, or null for all.

CREATE TABLE enrolment (
    monitor TEXT PRIMARY KEY,
    token BLOB NOT NULL,
    sources TEXT,
    kinds TEXT,
    at INTEGER NOT NULL,
    revoked INTEGER,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The number of this store in hexadecimal, to which they are bound.

CREATE TABLE store_number (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

-- When each was heard of last, and how it was.

CREATE TABLE sign_of_life (
    monitor TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    liveness TEXT NOT NULL,
    oldest_unsent INTEGER,
    version TEXT NOT NULL,
    uptime INTEGER NOT NULL,
    clock_ahead INTEGER,
    synchronised INTEGER NOT NULL,
    spooled INTEGER NOT NULL,
    thinned INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    facts INTEGER NOT NULL,
    listened INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    last_error TEXT,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
