-- message_of: the message that was posted with a job, and whose turn took it up.
-- $1 job
SELECT e.session, e.id, e.turn FROM session_entries e WHERE e.job = $1 AND e.client_id IS NOT NULL
