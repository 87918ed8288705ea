-- job_step: the step of a job after a place that is no decision, with what was asked and said.
-- $1 job  $2 run  $3 thread  $4 seq
SELECT r.ordinal AS run, r.run_id AS id, s.thread, s.seq, s.kind, s.name, s.request::text AS request,
       s.response::text AS response
FROM agent_runs r
JOIN agent_steps s ON s.run_id = r.run_id
WHERE r.job_id = $1 AND (r.ordinal, s.thread, s.seq) > ($2, $3, $4) AND s.kind <> 'decision'
ORDER BY r.ordinal, s.thread, s.seq
LIMIT 1
