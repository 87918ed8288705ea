-- session_jobs: unfinished jobs of a session.
-- $1 session
SELECT e.job AS id FROM session_entries e JOIN open_jobs o ON o.id = e.job
WHERE e.session = $1 AND e.client_id IS NOT NULL
