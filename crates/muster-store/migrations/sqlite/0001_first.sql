-- Times are microseconds of UTC, lengths are microseconds, kinds are their words. Every row ends
-- with a sum over its other columns, so that a flipped bit is noticed by whoever reads the row.
-- A table whose key is the row has no rowid, and its key is ordered so that what is still growing
-- lies together on few pages.

CREATE TABLE schema (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    commits INTEGER NOT NULL,
    last_change INTEGER NOT NULL,
    last_stay INTEGER NOT NULL,
    frontier INTEGER NOT NULL,
    directory INTEGER,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE identity (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE listener (
    id INTEGER PRIMARY KEY,
    monitor TEXT NOT NULL,
    source TEXT NOT NULL,
    channel TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

-- Two tables, because each is merged by replacing its rows, and the first never changes again.
CREATE TABLE first_seen (
    identity INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE last_seen (
    identity INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE detail (
    identity INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (identity, kind, value)
) STRICT, WITHOUT ROWID;

-- Facts, each hour's piece as one packed list.

CREATE TABLE heard (
    hour INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    listener INTEGER NOT NULL,
    spans BLOB NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (hour, identity, listener)
) STRICT, WITHOUT ROWID;

CREATE TABLE coverage (
    hour INTEGER NOT NULL,
    listener INTEGER NOT NULL,
    spans BLOB NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (hour, listener)
) STRICT, WITHOUT ROWID;

CREATE TABLE probe (
    hour INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    listener INTEGER NOT NULL,
    outcomes BLOB NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (hour, identity, listener)
) STRICT, WITHOUT ROWID;

CREATE TABLE level (
    at INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    listener INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (at, identity, listener, sequence, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE reading (
    interval_at INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    listener INTEGER NOT NULL,
    length INTEGER NOT NULL,
    rssi INTEGER,
    at INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (interval_at, identity, listener)
) STRICT, WITHOUT ROWID;

-- What was judged.

CREATE TABLE stay (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    site INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    last INTEGER NOT NULL,
    ended TEXT NOT NULL,
    to_latest INTEGER,
    uncovered INTEGER NOT NULL,
    after_gap INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE INDEX stay_of ON stay (subject, subject_id, from_at);
CREATE INDEX stay_open ON stay (from_at) WHERE ended = 'open';
CREATE INDEX stay_ended ON stay (last) WHERE ended <> 'open';

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    decided INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    subject_id INTEGER,
    owner INTEGER,
    site INTEGER,
    stay INTEGER,
    source TEXT,
    until_at INTEGER,
    quiet INTEGER NOT NULL,
    reason TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE INDEX journal_decided ON journal (decided);
CREATE INDEX journal_of ON journal (subject, subject_id, decided) WHERE subject IS NOT NULL;
CREATE INDEX journal_state ON journal (subject, subject_id, decided)
    WHERE subject IS NOT NULL AND kind IN ('arrived', 'left', 'moved', 'unknown', 'known');

-- The last change of each subject that set its state, in journal order.
CREATE TABLE state (
    subject TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    change INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (subject, subject_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people told us, rewritten as one.

CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    display TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    mark TEXT NOT NULL,
    carried INTEGER,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE ownership (
    device INTEGER NOT NULL,
    position INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    person INTEGER,
    sum INTEGER NOT NULL,
    PRIMARY KEY (device, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE grouping (
    identity INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    parent INTEGER,
    sum INTEGER NOT NULL
) STRICT;

CREATE TABLE monitor (
    name TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE override (
    person INTEGER NOT NULL,
    position INTEGER NOT NULL,
    home INTEGER NOT NULL,
    at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    by_whom TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (person, position)
) STRICT, WITHOUT ROWID;
