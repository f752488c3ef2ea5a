-- Times are microseconds of UTC, lengths are microseconds, kinds are their words. Texts are compared by
-- their bytes. A key is ordered so that what is still growing lies together on few pages.

CREATE TABLE meta (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    commits BIGINT NOT NULL,
    last_change BIGINT NOT NULL,
    last_stay BIGINT NOT NULL,
    frontier BIGINT NOT NULL,
    directory BIGINT
);
INSERT INTO meta VALUES (1, 0, 0, 0, 0, NULL);

CREATE TABLE identity (
    id BIGINT PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE listener (
    id BIGINT PRIMARY KEY,
    monitor TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL
);

CREATE TABLE first_seen (
    identity BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE TABLE last_seen (
    identity BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
);

-- Its texts may be longer than an index takes.
CREATE TABLE detail (
    identity BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX detail_of ON detail (identity);

-- Facts, each hour's piece as one packed list.

CREATE TABLE heard (
    hour BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    spans BYTEA NOT NULL,
    PRIMARY KEY (hour, identity, listener)
);

CREATE TABLE coverage (
    hour BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    spans BYTEA NOT NULL,
    PRIMARY KEY (hour, listener)
);

CREATE TABLE probe (
    hour BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    outcomes BYTEA NOT NULL,
    PRIMARY KEY (hour, identity, listener)
);

CREATE TABLE level (
    at BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (at, identity, listener, sequence, state)
);

-- Readings, all of one interval and of 256 identities as one packed list. `block` is the identity's number
-- divided by 256; `count` says how many are in the list.

CREATE TABLE readings (
    interval_at BIGINT NOT NULL,
    length BIGINT NOT NULL,
    block BIGINT NOT NULL,
    "count" BIGINT NOT NULL,
    list BYTEA NOT NULL,
    PRIMARY KEY (interval_at, length, block)
);

-- The best reading of all listeners, kept longer than theirs.
CREATE TABLE winners (
    interval_at BIGINT NOT NULL,
    length BIGINT NOT NULL,
    block BIGINT NOT NULL,
    "count" BIGINT NOT NULL,
    list BYTEA NOT NULL,
    PRIMARY KEY (interval_at, length, block)
);

-- Winners counted by the hour, identity and listener.
CREATE TABLE winner_hours (
    hour BIGINT NOT NULL,
    length BIGINT NOT NULL,
    block BIGINT NOT NULL,
    list BYTEA NOT NULL,
    PRIMARY KEY (hour, length, block)
);

-- Which facts of a monitor's start were received, by their numbers, in the commit that holds the facts.
-- `boot` is the start's number in hexadecimal, `runs` a packed list.
CREATE TABLE received (
    monitor TEXT COLLATE "C" NOT NULL,
    boot TEXT COLLATE "C" NOT NULL,
    runs BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (monitor, boot)
);

-- What was judged.

CREATE TABLE stay (
    id BIGINT PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL,
    subject_id BIGINT NOT NULL,
    site BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    last BIGINT NOT NULL,
    ended TEXT COLLATE "C" NOT NULL,
    to_latest BIGINT,
    uncovered BIGINT NOT NULL,
    after_gap BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX stay_of ON stay (subject, subject_id, from_at);
CREATE INDEX stay_open ON stay (from_at) WHERE ended = 'open';
CREATE INDEX stay_ended ON stay (last) WHERE ended <> 'open';
CREATE INDEX stay_assumed ON stay (subject, subject_id, from_at) WHERE ended = 'assumed';

CREATE TABLE journal (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    decided BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C",
    subject_id BIGINT,
    owner BIGINT,
    site BIGINT,
    stay BIGINT,
    source TEXT COLLATE "C",
    until_at BIGINT,
    quiet BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL
);
CREATE INDEX journal_decided ON journal (decided);
CREATE INDEX journal_of ON journal (subject, subject_id, decided) WHERE subject IS NOT NULL;
CREATE INDEX journal_state ON journal (subject, subject_id, decided)
    WHERE subject IS NOT NULL AND kind IN ('arrived', 'left', 'moved', 'unknown', 'known');

-- The last change of each subject that set its state, in journal order.
CREATE TABLE state (
    subject TEXT COLLATE "C" NOT NULL,
    subject_id BIGINT NOT NULL,
    change BIGINT NOT NULL,
    PRIMARY KEY (subject, subject_id)
);

CREATE TABLE cursor (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);

-- What people told us, rewritten as one.

CREATE TABLE person (
    id BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    display TEXT COLLATE "C" NOT NULL
);

CREATE TABLE device (
    id BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    mark TEXT COLLATE "C" NOT NULL,
    carried BIGINT
);

CREATE TABLE ownership (
    device BIGINT NOT NULL,
    position BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    person BIGINT,
    PRIMARY KEY (device, position)
);

CREATE TABLE "grouping" (
    identity BIGINT PRIMARY KEY,
    device BIGINT NOT NULL
);

CREATE TABLE place (
    id BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    parent BIGINT
);

-- Its names may be longer than an index takes.
CREATE TABLE monitor (
    name TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL
);

CREATE TABLE override (
    person BIGINT NOT NULL,
    position BIGINT NOT NULL,
    home BIGINT NOT NULL,
    at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    by_whom TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (person, position)
);

-- The highest number ever given to a person and to a place: none is given twice.
CREATE TABLE numbers (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    person BIGINT NOT NULL,
    place BIGINT NOT NULL
);
