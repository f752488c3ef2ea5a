-- Which facts of a monitor's start were received, by their numbers: in the commit that holds the facts, so
-- that none is taken twice. `boot` is the start's number in hexadecimal, `runs` a packed list.

CREATE TABLE received (
    monitor TEXT NOT NULL,
    boot TEXT NOT NULL,
    runs BLOB NOT NULL,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (monitor, boot)
) STRICT, WITHOUT ROWID;
