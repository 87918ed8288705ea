-- run_calls: every call of a run, by step and number.
-- ? run
SELECT thread, seq, attempt, outcome, error, provider, model, cost, saved, input, cache_read, cache_write, cache_write_1h,
       output, reasoning, started_at, finished_at
FROM agent_calls WHERE run_id = ? ORDER BY thread, seq, attempt;
