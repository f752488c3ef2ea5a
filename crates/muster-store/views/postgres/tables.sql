-- Readings once more, a row each, for the SQL of other programs. Times are microseconds of UTC; an index on
-- what a view makes of one serves whoever asks the view. `monitor` is the lowest number of its listeners.

CREATE TABLE plain_winner (
    interval_at BIGINT NOT NULL,
    length BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    monitor BIGINT NOT NULL,
    rssi SMALLINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (interval_at, length, identity)
);
CREATE INDEX plain_winner_interval ON plain_winner
    (to_timestamp(interval_at / 1000000::double precision));
CREATE INDEX plain_winner_heard ON plain_winner (to_timestamp(at / 1000000::double precision));
CREATE INDEX plain_winner_identity ON plain_winner
    (identity, to_timestamp(interval_at / 1000000::double precision));
CREATE INDEX plain_winner_monitor ON plain_winner
    (monitor, to_timestamp(interval_at / 1000000::double precision));

CREATE TABLE plain_reading (
    interval_at BIGINT NOT NULL,
    length BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    monitor BIGINT NOT NULL,
    rssi SMALLINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (interval_at, length, identity, listener)
);
CREATE INDEX plain_reading_interval ON plain_reading
    (to_timestamp(interval_at / 1000000::double precision));
CREATE INDEX plain_reading_heard ON plain_reading (to_timestamp(at / 1000000::double precision));

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
);

-- Until when each listener has listened.
CREATE TABLE plain_covered (
    listener BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
);
