-- Readings as packed lists: all that belong to one interval and to 256 identities in a row are one row
-- with one sum. As a row of its own a reading is mostly key and sum, and a month of a fleet is millions of
-- rows to step through; in a list it takes a few bytes, damage is noticed as before, and what is still
-- growing is one row. `block` is the identity's number divided by 256; `count` says how many are in the
-- list.

CREATE TABLE readings (
    interval_at INTEGER NOT NULL,
    length INTEGER NOT NULL,
    block INTEGER NOT NULL,
    count INTEGER NOT NULL,
    list BLOB NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (interval_at, length, block)
) STRICT, WITHOUT ROWID;

-- The best reading of all listeners, kept longer than theirs.
CREATE TABLE winners (
    interval_at INTEGER NOT NULL,
    length INTEGER NOT NULL,
    block INTEGER NOT NULL,
    count INTEGER NOT NULL,
    list BLOB NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (interval_at, length, block)
) STRICT, WITHOUT ROWID;

-- Winners counted by the hour, identity and listener: counted anew whenever one of the hour changes.
CREATE TABLE winner_hours (
    hour INTEGER NOT NULL,
    length INTEGER NOT NULL,
    block INTEGER NOT NULL,
    list BLOB NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (hour, length, block)
) STRICT, WITHOUT ROWID;
