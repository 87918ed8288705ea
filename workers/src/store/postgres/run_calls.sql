-- run_calls: every call of some runs, by step and number.
-- $1 runs
SELECT run_id AS id, thread, seq, attempt, outcome, error, provider, model, cost, saved, input, cache_read, cache_write,
       cache_write_1h, output, reasoning, started_at, finished_at
FROM agent_calls WHERE run_id = ANY ($1) ORDER BY run_id, thread, seq, attempt
