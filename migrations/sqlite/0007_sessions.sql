-- Conversations, and what was said in them. An entry is written once; a message of a user gets its place in the tree
-- when its turn begins.

CREATE TABLE sessions (
    id           BLOB    PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    title        TEXT,
    busy         TEXT    NOT NULL,           -- enqueue | reject | interrupt | steer | coalesce
    version      INTEGER NOT NULL DEFAULT 1, -- rises with every change
    last         INTEGER NOT NULL DEFAULT 0, -- the highest number given to an entry
    head         INTEGER,                    -- the entry that the next one follows
    turn         BLOB,                       -- the job whose turn it is, for as long as it is unfinished
    leaf         INTEGER,                    -- the entry that turn goes on from
    forked_from  BLOB,
    forked_at    INTEGER,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    archived_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_tenant ON sessions (tenant, id);

CREATE TABLE session_entries (
    session    BLOB    NOT NULL,
    id         INTEGER NOT NULL,             -- from 1, within the session
    parent     INTEGER,
    kind       TEXT    NOT NULL,             -- system | user | assistant | tool | summary
    placed     INTEGER NOT NULL,             -- 0 while a message waits for its turn
    partial    INTEGER NOT NULL,             -- 1 for an answer that was cut short
    client_id  TEXT,
    job        BLOB,                         -- submitted with a message, or that said an answer
    turn       BLOB,                         -- the job whose turn it belongs to
    bytes      INTEGER NOT NULL,             -- of its content
    created_at INTEGER NOT NULL,
    content    TEXT    NOT NULL,             -- JSON; last, so that reading the others never follows a long one
    PRIMARY KEY (session, id)
) STRICT;
CREATE UNIQUE INDEX session_entries_by_client ON session_entries (session, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX session_entries_by_job  ON session_entries (job)     WHERE client_id IS NOT NULL;
CREATE INDEX session_entries_by_turn ON session_entries (turn)    WHERE turn IS NOT NULL;
CREATE INDEX session_entries_waiting ON session_entries (session) WHERE placed = 0;
