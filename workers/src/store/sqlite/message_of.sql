-- message_of: the message that was posted with a job, and whose turn took it up.
-- ? job
SELECT e.session, e.id, e.turn FROM session_entries e WHERE e.job = ? AND e.client_id IS NOT NULL;
