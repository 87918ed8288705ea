-- keep_object: the entries of a session give way to an object.
-- ? hash  ? bytes  ? entries  ? now  ? name  ? session
UPDATE session_objects SET state = 'kept', hash = ?, bytes = ?, entries = ?, since = ? WHERE name = ?;
DELETE FROM session_entries WHERE session = ?;
