-- run_steps: every step of some runs, in order.
-- $1 runs
SELECT run_id AS id, thread, seq, kind, name, started_at, finished_at, request::text AS request,
       response::text AS response
FROM agent_steps WHERE run_id = ANY ($1) ORDER BY run_id, thread, seq
