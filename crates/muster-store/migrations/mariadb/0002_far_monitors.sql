-- Far monitors that were let in, by their token's SHA-256; `sources` and `kinds` are words with spaces
-- between them, or null for all. The number of this store in hexadecimal, to which they are bound. When
-- each was heard of last, and how it was.

CREATE TABLE IF NOT EXISTS enrolment (
    monitor VARCHAR(191) PRIMARY KEY,
    token LONGBLOB NOT NULL,
    sources LONGTEXT,
    kinds LONGTEXT,
    at BIGINT NOT NULL,
    revoked BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS store_number (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    store LONGTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS sign_of_life (
    monitor VARCHAR(191) PRIMARY KEY,
    at BIGINT NOT NULL,
    liveness LONGTEXT NOT NULL,
    oldest_unsent BIGINT,
    version LONGTEXT NOT NULL,
    uptime BIGINT NOT NULL,
    clock_ahead BIGINT,
    synchronised BIGINT NOT NULL,
    spooled BIGINT NOT NULL,
    thinned BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    facts BIGINT NOT NULL,
    listened BIGINT NOT NULL,
    simulated BIGINT NOT NULL,
    last_error LONGTEXT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
