-- run_spent: what a run has cost so far.
-- ? run of the lease: calls of earlier leases that are open will have no end  ? run
SELECT count(*) FILTER (WHERE outcome = 'done' AND saved IS NULL) AS calls,
       count(*) FILTER (WHERE cost IS NULL AND saved IS NULL AND (outcome <> 'open' OR job_run <> ?)) AS unknown,
       count(*) FILTER (WHERE input IS NULL AND cost > 0) AS estimated,
       coalesce(sum(held_tokens) FILTER (WHERE input IS NULL AND (outcome = 'done' OR cost > 0)), 0) AS unsaid,
       coalesce(sum(cost), 0) AS cost, coalesce(sum(input), 0) AS input, coalesce(sum(cache_read), 0) AS cache_read,
       coalesce(sum(cache_write), 0) AS cache_write, coalesce(sum(cache_write_1h), 0) AS cache_write_1h,
       coalesce(sum(output), 0) AS output, coalesce(sum(reasoning), 0) AS reasoning
FROM agent_calls WHERE run_id = ? AND provider IS NOT NULL;
