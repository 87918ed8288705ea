-- history: runs of a job that ended without a final result, oldest first, at most 1,000.
-- ? id
SELECT cause, worker, started_at, ended_at, error FROM job_attempts
WHERE seq = (SELECT seq FROM jobs WHERE id = ?) ORDER BY run LIMIT 1000;
