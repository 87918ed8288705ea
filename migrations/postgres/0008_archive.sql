-- Sessions whose entries are in an archive: the row of the session stays, and names the object that has the entries.

ALTER TABLE sessions ADD COLUMN restored_at bigint;   -- when its entries came back last; it is not idle since before then

-- Every object there may be: noted before it is written, forgotten once it is known to be gone.
CREATE TABLE session_objects (
    name     text   COLLATE "C" PRIMARY KEY,
    session  uuid   NOT NULL,
    version  bigint NOT NULL,   -- of the session, when it was read
    state    text   NOT NULL,   -- writing | kept (it has the entries) | copy (they came back) | doomed
    hash     text,              -- SHA-256 of the object, in hex
    bytes    bigint,
    entries  bigint,
    since    bigint NOT NULL
);
CREATE INDEX session_objects_by_session ON session_objects (session);
CREATE INDEX session_objects_to_go      ON session_objects (since) WHERE state IN ('writing', 'doomed');
CREATE INDEX sessions_not_archived      ON sessions (id)           WHERE archived_at IS NULL;
