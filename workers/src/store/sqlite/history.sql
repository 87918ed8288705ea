-- history: runs of a job that ended without a final result, and the crash that quarantined it; oldest first, at most
-- 1,000.
-- ? id  ? id
SELECT run, cause, worker, started_at, ended_at, error, progress FROM job_attempts
WHERE seq = (SELECT seq FROM jobs WHERE id = ?)
UNION ALL
SELECT r.run, 'crash', r.worker, r.started_at, r.finished_at, r.error, p.progress
FROM jobs j JOIN job_results r ON r.seq = j.seq LEFT JOIN job_progress p ON p.seq = j.seq
WHERE j.id = ? AND r.state = 'quarantined'
ORDER BY run LIMIT 1000;
