-- restored: a session whose entries are back on record, and its object, which is a copy or to be removed from now on.
-- $1 session  $2 name  $3 keep  $4 now
WITH object AS (
    UPDATE session_objects SET state = CASE WHEN $3 THEN 'copy' ELSE 'doomed' END, since = $4 WHERE name = $2
)
UPDATE sessions SET archived_at = NULL, restored_at = $4, version = version + 1 WHERE id = $1
