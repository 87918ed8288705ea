-- begin_archive: notes an object that is about to be written, if its session may go. The session is locked.
-- $1 name  $2 session  $3 now
-- Changes a row where it may.
INSERT INTO session_objects (name, session, version, state, since)
SELECT $1, s.id, s.version, 'writing', $3 FROM sessions s
WHERE s.id = $2 AND s.archived_at IS NULL AND s.last > 0
  AND NOT EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = s.turn)
  AND NOT EXISTS (SELECT 1 FROM session_entries e JOIN open_jobs o ON o.id = e.job
                  WHERE e.session = s.id AND e.client_id IS NOT NULL)
