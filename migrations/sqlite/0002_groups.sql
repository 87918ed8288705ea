-- How many slots of a group are taken, as a number: counting rows by an index cost every job of a group three writes.
-- Jobs that follow each other in a slot write nothing here. Whoever waits in a line has a holder in front, so this
-- table also finds the first of each line.
CREATE TABLE open_groups (
    queue  TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    active INTEGER NOT NULL,
    PRIMARY KEY (queue, name)
) STRICT, WITHOUT ROWID;
INSERT INTO open_groups SELECT queue, group_key, count(*) FROM open_jobs WHERE holds = 1 GROUP BY queue, group_key;
DROP INDEX open_in_line;
DROP INDEX open_holders;
