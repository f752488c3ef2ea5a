-- Far monitors that were let in, by their token's SHA-256; `sources` and `kinds` are words with spaces
-- between them, or null for all. The number of this store in hexadecimal, to which they are bound. When
-- each was heard of last, and how it was.

CREATE TABLE enrolment (
    monitor TEXT COLLATE "C" PRIMARY KEY,
    token BYTEA NOT NULL,
    sources TEXT COLLATE "C",
    kinds TEXT COLLATE "C",
    at BIGINT NOT NULL,
    revoked BIGINT
);

CREATE TABLE store_number (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    store TEXT COLLATE "C" NOT NULL
);

CREATE TABLE sign_of_life (
    monitor TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL,
    liveness TEXT COLLATE "C" NOT NULL,
    oldest_unsent BIGINT,
    version TEXT COLLATE "C" NOT NULL,
    uptime BIGINT NOT NULL,
    clock_ahead BIGINT,
    synchronised BIGINT NOT NULL,
    spooled BIGINT NOT NULL,
    thinned BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    facts BIGINT NOT NULL,
    listened BIGINT NOT NULL,
    simulated BIGINT NOT NULL,
    last_error TEXT COLLATE "C"
);
