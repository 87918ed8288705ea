-- read_waiting: messages that no turn has taken up and whose jobs are unfinished, in order.
-- ? session
SELECT e.id, e.job FROM session_entries e JOIN open_jobs o ON o.id = e.job
WHERE e.session = ? AND e.placed = 0 ORDER BY e.id;
