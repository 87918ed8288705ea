-- Conversations, and what was said in them. An entry is written once; a message of a user gets its place in the tree
-- when its turn begins. Rows of sessions change with every turn, so each page keeps room for their next versions.

CREATE TABLE sessions (
    id           uuid   PRIMARY KEY,
    tenant       text   NOT NULL,
    title        text,
    busy         text   NOT NULL,            -- enqueue | reject | interrupt | steer | coalesce
    version      bigint NOT NULL DEFAULT 1,  -- rises with every change
    last         bigint NOT NULL DEFAULT 0,  -- the highest number given to an entry
    head         bigint,                     -- the entry that the next one follows
    turn         uuid,                       -- the job whose turn it is, for as long as it is unfinished
    leaf         bigint,                     -- the entry that turn goes on from
    forked_from  uuid,
    forked_at    bigint,
    created_at   bigint NOT NULL,
    updated_at   bigint NOT NULL,
    archived_at  bigint
) WITH (fillfactor = 50);
CREATE INDEX sessions_by_tenant ON sessions (tenant, id);

CREATE TABLE session_entries (
    session    uuid    NOT NULL,
    id         bigint  NOT NULL,             -- from 1, within the session
    parent     bigint,
    kind       text    NOT NULL,             -- system | user | assistant | tool | summary
    placed     boolean NOT NULL,             -- false while a message waits for its turn
    partial    boolean NOT NULL,             -- an answer that was cut short
    client_id  text    COLLATE "C",
    job        uuid,                         -- submitted with a message, or that said an answer
    turn       uuid,                         -- the job whose turn it belongs to
    bytes      bigint  NOT NULL,             -- of its content
    created_at bigint  NOT NULL,
    content    jsonb   NOT NULL,
    PRIMARY KEY (session, id)
);
ALTER TABLE session_entries ALTER COLUMN content SET COMPRESSION lz4;
CREATE UNIQUE INDEX session_entries_by_client ON session_entries (session, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX session_entries_by_job  ON session_entries (job)     WHERE client_id IS NOT NULL;
CREATE INDEX session_entries_by_turn ON session_entries (turn)    WHERE turn IS NOT NULL;
CREATE INDEX session_entries_waiting ON session_entries (session) WHERE NOT placed;
