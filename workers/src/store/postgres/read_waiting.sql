-- read_waiting: messages that no turn has taken up and whose jobs are unfinished, in order.
-- $1 sessions
SELECT e.session, e.id, e.job FROM session_entries e JOIN open_jobs o ON o.id = e.job
WHERE e.session = ANY ($1) AND NOT e.placed ORDER BY e.session, e.id
