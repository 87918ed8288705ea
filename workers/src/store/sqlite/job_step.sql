-- job_step: the step of a job after a place that is no decision, with what was asked and said.
-- ? job  ? run  ? thread  ? seq
SELECT r.ordinal AS run, r.run_id AS id, s.thread, s.seq, s.kind, s.name, s.request, s.response
FROM agent_runs r
JOIN agent_steps s ON s.run_id = r.run_id
WHERE r.job_id = ? AND (r.ordinal, s.thread, s.seq) > (?, ?, ?) AND s.kind <> 'decision'
ORDER BY r.ordinal, s.thread, s.seq
LIMIT 1;
