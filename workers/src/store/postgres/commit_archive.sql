-- commit_archive: the entries of a session give way to an object, if nothing happened since it was read. The session is
-- locked, and so is the object, which is being written.
-- $1 session  $2 version  $3 name  $4 hash  $5 bytes  $6 entries  $7 now
-- Returns how many sessions went: one or none.
WITH moved AS (
    UPDATE sessions s SET archived_at = $7
    WHERE s.id = $1 AND s.version = $2 AND s.archived_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = s.turn)
      AND NOT EXISTS (SELECT 1 FROM session_entries e JOIN open_jobs o ON o.id = e.job
                      WHERE e.session = s.id AND e.client_id IS NOT NULL)
      AND (SELECT count(*) FROM session_entries e WHERE e.session = s.id) = $6
    RETURNING id
), kept AS (
    UPDATE session_objects SET state = 'kept', hash = $4, bytes = $5, entries = $6, since = $7
    WHERE name = $3 AND EXISTS (SELECT 1 FROM moved)
), gone AS (
    DELETE FROM session_entries WHERE session IN (SELECT id FROM moved)
)
SELECT count(*) AS moved FROM moved
