-- history: runs of a job that ended without a final result, and the crash that quarantined it; oldest first, at most
-- 1,000.
-- $1 id
SELECT run, cause, worker, started_at, ended_at, error::text AS error, progress::text AS progress
FROM job_attempts WHERE job_id = $1
UNION ALL
SELECT r.run, 'crash', r.worker, r.started_at, r.finished_at, r.error::text, p.progress::text
FROM job_results r LEFT JOIN job_progress p ON p.job_id = r.id
WHERE r.id = $1 AND r.state = 'quarantined'
ORDER BY run LIMIT 1000
