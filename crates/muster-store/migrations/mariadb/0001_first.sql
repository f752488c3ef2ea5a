-- Times are microseconds of UTC, lengths are microseconds, kinds are their words. Texts are compared by
-- their bytes. A key is ordered so that what is still growing lies together on few pages. Each statement
-- may be said again: tables are not made within a transaction.

CREATE TABLE IF NOT EXISTS meta (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    commits BIGINT NOT NULL,
    last_change BIGINT NOT NULL,
    last_stay BIGINT NOT NULL,
    frontier BIGINT NOT NULL,
    directory BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO meta VALUES (1, 0, 0, 0, 0, NULL);

CREATE TABLE IF NOT EXISTS identity (
    id BIGINT PRIMARY KEY,
    kind VARCHAR(32) NOT NULL,
    value LONGTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS listener (
    id BIGINT PRIMARY KEY,
    monitor LONGTEXT NOT NULL,
    source VARCHAR(32) NOT NULL,
    channel LONGTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS first_seen (
    identity BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS last_seen (
    identity BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Its texts may be longer than an index takes.
CREATE TABLE IF NOT EXISTS detail (
    identity BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    value LONGTEXT NOT NULL,
    at BIGINT NOT NULL,
    INDEX detail_of (identity)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Facts, each hour's piece as one packed list.

CREATE TABLE IF NOT EXISTS heard (
    hour BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    spans LONGBLOB NOT NULL,
    PRIMARY KEY (hour, identity, listener)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS coverage (
    hour BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    spans LONGBLOB NOT NULL,
    PRIMARY KEY (hour, listener)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS probe (
    hour BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    outcomes LONGBLOB NOT NULL,
    PRIMARY KEY (hour, identity, listener)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS level (
    at BIGINT NOT NULL,
    identity BIGINT NOT NULL,
    listener BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    state VARCHAR(32) NOT NULL,
    PRIMARY KEY (at, identity, listener, sequence, state)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Readings, all of one interval and of 256 identities as one packed list. `block` is the identity's number
-- divided by 256; `count` says how many are in the list.

CREATE TABLE IF NOT EXISTS readings (
    interval_at BIGINT NOT NULL,
    length BIGINT NOT NULL,
    block BIGINT NOT NULL,
    "count" BIGINT NOT NULL,
    list LONGBLOB NOT NULL,
    PRIMARY KEY (interval_at, length, block)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The best reading of all listeners, kept longer than theirs.
CREATE TABLE IF NOT EXISTS winners (
    interval_at BIGINT NOT NULL,
    length BIGINT NOT NULL,
    block BIGINT NOT NULL,
    "count" BIGINT NOT NULL,
    list LONGBLOB NOT NULL,
    PRIMARY KEY (interval_at, length, block)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Winners counted by the hour, identity and listener.
CREATE TABLE IF NOT EXISTS winner_hours (
    hour BIGINT NOT NULL,
    length BIGINT NOT NULL,
    block BIGINT NOT NULL,
    list LONGBLOB NOT NULL,
    PRIMARY KEY (hour, length, block)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which facts of a monitor's start were received, by their numbers, in the commit that holds the facts.
-- `boot` is the start's number in hexadecimal, `runs` a packed list.
CREATE TABLE IF NOT EXISTS received (
    monitor VARCHAR(191) NOT NULL,
    boot VARCHAR(32) NOT NULL,
    runs LONGBLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (monitor, boot)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was judged.

CREATE TABLE IF NOT EXISTS stay (
    id BIGINT PRIMARY KEY,
    subject VARCHAR(32) NOT NULL,
    subject_id BIGINT NOT NULL,
    site BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    last BIGINT NOT NULL,
    ended VARCHAR(32) NOT NULL,
    to_latest BIGINT,
    uncovered BIGINT NOT NULL,
    after_gap BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    INDEX stay_of (subject, subject_id, from_at),
    INDEX stay_ended (ended, last)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS journal (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    decided BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    subject VARCHAR(32),
    subject_id BIGINT,
    owner BIGINT,
    site BIGINT,
    stay BIGINT,
    source VARCHAR(32),
    until_at BIGINT,
    quiet BIGINT NOT NULL,
    reason LONGTEXT NOT NULL,
    INDEX journal_decided (decided),
    INDEX journal_of (subject, subject_id, decided)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The last change of each subject that set its state, in journal order.
CREATE TABLE IF NOT EXISTS state (
    subject VARCHAR(32) NOT NULL,
    subject_id BIGINT NOT NULL,
    "change" BIGINT NOT NULL,
    PRIMARY KEY (subject, subject_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS "cursor" (
    name VARCHAR(191) PRIMARY KEY,
    value BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What people told us, rewritten as one.

CREATE TABLE IF NOT EXISTS person (
    id BIGINT PRIMARY KEY,
    name LONGTEXT NOT NULL,
    display LONGTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS device (
    id BIGINT PRIMARY KEY,
    name LONGTEXT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    mark LONGTEXT NOT NULL,
    carried BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ownership (
    device BIGINT NOT NULL,
    position BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    person BIGINT,
    PRIMARY KEY (device, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS "grouping" (
    identity BIGINT PRIMARY KEY,
    device BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS place (
    id BIGINT PRIMARY KEY,
    name LONGTEXT NOT NULL,
    parent BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Its names may be longer than an index takes.
CREATE TABLE IF NOT EXISTS monitor (
    name LONGTEXT NOT NULL,
    place BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS "override" (
    person BIGINT NOT NULL,
    position BIGINT NOT NULL,
    home BIGINT NOT NULL,
    at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    by_whom LONGTEXT NOT NULL,
    PRIMARY KEY (person, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The highest number ever given to a person and to a place: none is given twice.
CREATE TABLE IF NOT EXISTS numbers (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    person BIGINT NOT NULL,
    place BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
