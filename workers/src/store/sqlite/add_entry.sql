-- add_entry: puts an entry on record; a message waits, anything else has its place.
-- ? session  ? id  ? parent or null  ? kind  ? placed  ? partial  ? client_id or null  ? job  ? turn or null  ? bytes
-- ? now  ? content (JSON)
INSERT INTO session_entries (session, id, parent, kind, placed, partial, client_id, job, turn, bytes, created_at, content)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
