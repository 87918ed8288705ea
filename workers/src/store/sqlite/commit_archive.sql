-- commit_archive: a session is archived, if nothing happened since its object was read, which is being written.
-- ? now  ? session  ? version  ? entries  ? name
-- Changes a row where it is.
UPDATE sessions AS s SET archived_at = ?
WHERE s.id = ? AND s.version = ? AND s.archived_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = s.turn)
  AND NOT EXISTS (SELECT 1 FROM session_entries e JOIN open_jobs o ON o.id = e.job
                  WHERE e.session = s.id AND e.client_id IS NOT NULL)
  AND (SELECT count(*) FROM session_entries e WHERE e.session = s.id) = ?
  AND EXISTS (SELECT 1 FROM session_objects o WHERE o.name = ? AND o.state = 'writing');
