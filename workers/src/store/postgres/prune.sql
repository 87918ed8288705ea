-- prune: deletes finished jobs with all that is on record about them.
-- $1 ended at least this many ms ago  $2 at most  $3 injected now in ms, or null  $4 state they ended in
-- Returns how many.
WITH old AS (
    SELECT id FROM job_results
    WHERE finished_at <= coalesce($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $1
      AND state = $4
    LIMIT $2
    FOR UPDATE SKIP LOCKED
), results AS (DELETE FROM job_results WHERE id IN (SELECT id FROM old) RETURNING id
), attempts AS (DELETE FROM job_attempts WHERE job_id IN (SELECT id FROM old)
), output AS (DELETE FROM job_output WHERE job_id IN (SELECT id FROM old)
), progress AS (DELETE FROM job_progress WHERE job_id IN (SELECT id FROM old)
), keys AS (DELETE FROM job_keys WHERE job_id IN (SELECT id FROM old)
), runs AS (DELETE FROM agent_runs WHERE job_id IN (SELECT id FROM old) RETURNING run_id
), steps AS (DELETE FROM agent_steps WHERE run_id IN (SELECT run_id FROM runs)
-- What was paid stays.
), calls AS (DELETE FROM agent_calls WHERE provider IS NULL AND run_id IN (SELECT run_id FROM runs)
), approvals AS (DELETE FROM approvals WHERE job_id IN (SELECT id FROM old)
), fills AS (DELETE FROM budgets WHERE scope = ANY (ARRAY(SELECT 'job:' || replace(id::text, '-', '') FROM old))
), refusals AS (DELETE FROM budget_refusals WHERE job_id IN (SELECT id FROM old)
), gone AS (DELETE FROM jobs WHERE id IN (SELECT id FROM old))
SELECT count(*) FROM results
