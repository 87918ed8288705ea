-- begin_archive: notes an object that is about to be written, if its session may go.
-- ? name  ? now  ? session
-- Changes a row where it may.
INSERT INTO session_objects (name, session, version, state, since)
SELECT ?, s.id, s.version, 'writing', ? FROM sessions s
WHERE s.id = ? AND s.archived_at IS NULL AND s.last > 0
  AND NOT EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = s.turn)
  AND NOT EXISTS (SELECT 1 FROM session_entries e JOIN open_jobs o ON o.id = e.job
                  WHERE e.session = s.id AND e.client_id IS NOT NULL);
