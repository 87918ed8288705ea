-- read_waiting: messages that no turn has taken up and whose jobs are unfinished, in order.
-- ? session
-- The index is named because the planner prefers the primary key, which has all that was ever said.
SELECT e.id, e.job FROM session_entries e INDEXED BY session_entries_waiting JOIN open_jobs o ON o.id = e.job
WHERE e.session = ? AND e.placed = 0 ORDER BY e.id;
