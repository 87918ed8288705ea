-- job_trail: calls made for the steps of a job after a place, in order; a step that needed none is there as call 0.
-- $1 job  $2 run  $3 thread  $4 seq  $5 attempt  $6 at most
SELECT r.ordinal AS run, r.run_id AS id, r.agent, r.superseded, s.thread, s.seq, s.kind, s.name,
       coalesce(c.attempt, 0) AS attempt,
       coalesce(c.outcome, CASE WHEN s.done_by IS NULL THEN 'open' ELSE 'done' END) AS outcome,
       s.done_by IS NOT DISTINCT FROM coalesce(c.attempt, 0) AS kept,
       c.error, c.provider, c.model, c.cost, c.saved, c.input, c.cache_read, c.cache_write, c.cache_write_1h, c.output,
       c.reasoning, coalesce(c.started_at, s.started_at) AS started_at,
       CASE WHEN c.attempt IS NULL THEN s.finished_at ELSE c.finished_at END AS finished_at
FROM agent_runs r
JOIN agent_steps s ON s.run_id = r.run_id
LEFT JOIN agent_calls c ON c.run_id = s.run_id AND c.thread = s.thread AND c.seq = s.seq
WHERE r.job_id = $1 AND (r.ordinal, s.thread, s.seq, coalesce(c.attempt, 0)) > ($2, $3, $4, $5)
ORDER BY r.ordinal, s.thread, s.seq, coalesce(c.attempt, 0)
LIMIT $6
