-- The highest number ever given to a person and to a place: none is given twice.
CREATE TABLE numbers (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    person INTEGER NOT NULL,
    place INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;
