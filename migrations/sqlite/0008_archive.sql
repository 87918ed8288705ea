-- Sessions whose entries are in an archive: the row of the session stays, and names the object that has the entries.

ALTER TABLE sessions ADD COLUMN restored_at INTEGER;  -- when its entries came back last; it is not idle since before then

-- Every object there may be: noted before it is written, forgotten once it is known to be gone.
CREATE TABLE session_objects (
    name     TEXT    PRIMARY KEY,
    session  BLOB    NOT NULL,
    version  INTEGER NOT NULL,  -- of the session, when it was read
    state    TEXT    NOT NULL,  -- writing | kept (it has the entries) | copy (they came back) | doomed
    hash     TEXT,              -- SHA-256 of the object, in hex
    bytes    INTEGER,
    entries  INTEGER,
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_objects_by_session ON session_objects (session);
CREATE INDEX session_objects_to_go      ON session_objects (since) WHERE state IN ('writing', 'doomed');
CREATE INDEX sessions_not_archived      ON sessions (id)           WHERE archived_at IS NULL;
