-- own_message: the message that was posted with a job, the newest entry of the turn that took it up, and whether a
-- lease of the job holds.
-- ? job  ? run of the lease  ? job
-- The plus keeps the planner from the primary key, which has all that was ever said.
SELECT e.session, e.id, e.placed, e.turn,
       (SELECT max(t.id) FROM session_entries t WHERE t.turn = e.turn AND +t.session = e.session) AS leaf,
       EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = ? AND o.run = ?) AS holds
FROM session_entries e WHERE e.job = ? AND e.client_id IS NOT NULL;
