-- What providers allow, shared by all processes of this file.

-- `pace` is JSON: what is left of each limit. It is written whole, by one who has read it.
CREATE TABLE lanes (
    id       INTEGER PRIMARY KEY,
    provider TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    model    TEXT    NOT NULL,
    pace     TEXT    NOT NULL DEFAULT '{}',
    asleep   INTEGER NOT NULL DEFAULT 0,
    used_at  INTEGER NOT NULL,
    UNIQUE (provider, key, model)
) STRICT;

-- Calls that were let through and have not ended.
CREATE TABLE lane_streams (
    lane INTEGER NOT NULL,
    id   INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    PRIMARY KEY (lane, id)
) STRICT, WITHOUT ROWID;

-- Calls that wait, in the order in which they first asked; whoever does not ask again until `due` has lost its place.
CREATE TABLE lane_line (
    number INTEGER PRIMARY KEY,
    lane   INTEGER NOT NULL,
    holder TEXT    NOT NULL,
    input  INTEGER NOT NULL,
    output INTEGER NOT NULL,
    due    INTEGER NOT NULL,
    UNIQUE (lane, holder)
) STRICT;
CREATE INDEX lane_line_in_order ON lane_line (lane, number);

-- Providers that fail or failed last; without a row all is well.
CREATE TABLE breakers (
    provider   TEXT    PRIMARY KEY,
    failures   INTEGER NOT NULL,
    open_until INTEGER,
    trial      INTEGER,
    trial_ends INTEGER
) STRICT, WITHOUT ROWID;
