-- Readings once more, a row each, for the SQL of other programs. Times are microseconds of UTC; an index on
-- what a view makes of one serves whoever asks the view. `monitor` is the lowest number of its listeners.

CREATE TABLE plain_winner (
    interval_at INTEGER NOT NULL,
    length INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    listener INTEGER NOT NULL,
    monitor INTEGER NOT NULL,
    rssi INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (interval_at, length, identity)
) STRICT, WITHOUT ROWID;
CREATE INDEX plain_winner_interval ON plain_winner (datetime(interval_at / 1000000, 'unixepoch'));
CREATE INDEX plain_winner_heard ON plain_winner (datetime(at / 1000000, 'unixepoch'));
CREATE INDEX plain_winner_identity ON plain_winner
    (identity, datetime(interval_at / 1000000, 'unixepoch'));
CREATE INDEX plain_winner_monitor ON plain_winner
    (monitor, datetime(interval_at / 1000000, 'unixepoch'));

CREATE TABLE plain_reading (
    interval_at INTEGER NOT NULL,
    length INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    listener INTEGER NOT NULL,
    monitor INTEGER NOT NULL,
    rssi INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (interval_at, length, identity, listener)
) STRICT, WITHOUT ROWID;
CREATE INDEX plain_reading_interval ON plain_reading (datetime(interval_at / 1000000, 'unixepoch'));
CREATE INDEX plain_reading_heard ON plain_reading (datetime(at / 1000000, 'unixepoch'));

-- Winners of an hour, of 256 identities, counted for each monitor.
CREATE TABLE plain_hour (
    hour INTEGER NOT NULL,
    length INTEGER NOT NULL,
    block INTEGER NOT NULL,
    monitor INTEGER NOT NULL,
    identities INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    total INTEGER NOT NULL,
    best INTEGER NOT NULL,
    worst INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (hour, length, block, monitor)
) STRICT, WITHOUT ROWID;

-- Until when each listener has listened.
CREATE TABLE plain_covered (
    listener INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;
