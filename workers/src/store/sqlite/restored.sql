-- restored: a session whose entries are back on record, and its object, which is a copy or to be removed from now on.
-- ? state of the object  ? now  ? name  ? now  ? session
UPDATE session_objects SET state = ?, since = ? WHERE name = ?;
UPDATE sessions SET archived_at = NULL, restored_at = ?, version = version + 1 WHERE id = ?;
