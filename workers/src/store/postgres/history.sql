-- history: runs of a job that ended without a final result, oldest first, at most 1,000.
-- $1 id
SELECT cause, worker, started_at, ended_at, error::text AS error FROM job_attempts WHERE job_id = $1 ORDER BY run LIMIT 1000
