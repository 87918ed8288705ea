-- run_steps: every step of a run, in order.
-- ? run
SELECT thread, seq, kind, name, started_at, finished_at, request, response
FROM agent_steps WHERE run_id = ? ORDER BY thread, seq;
