-- Readings once more, a row each, for the SQL of other programs. Their times are the server's own, because
-- it looks up no others by its clock; all others are microseconds of UTC. `monitor` is the lowest number of
-- its listeners. Without a default the server would set a timestamp anew with every change.

CREATE TABLE plain_winner (
    interval_at TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
    length BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    monitor BIGINT NOT NULL,
    rssi SMALLINT NOT NULL,
    at TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
    PRIMARY KEY (interval_at, length, identity),
    INDEX plain_winner_heard (at),
    INDEX plain_winner_identity (identity, interval_at),
    INDEX plain_winner_monitor (monitor, interval_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE plain_reading (
    interval_at TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
    length BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    monitor BIGINT NOT NULL,
    rssi SMALLINT NOT NULL,
    at TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
    PRIMARY KEY (interval_at, length, identity, listener),
    INDEX plain_reading_heard (at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Winners of an hour, of 256 identities, counted for each monitor.
CREATE TABLE plain_hour (
    hour BIGINT NOT NULL,
    length BIGINT NOT NULL,
    block BIGINT NOT NULL,
    monitor BIGINT NOT NULL,
    identities BIGINT NOT NULL,
    readings BIGINT NOT NULL,
    total BIGINT NOT NULL,
    best SMALLINT NOT NULL,
    worst SMALLINT NOT NULL,
    PRIMARY KEY (hour, length, block, monitor)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Until when each listener has listened.
CREATE TABLE plain_covered (
    listener BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
