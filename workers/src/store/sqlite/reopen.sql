-- reopen: makes a failed or quarantined job unfinished again, with fresh counters; its former result joins the history.
-- ? id  ? now  ? id  ? id
-- Returns the job's queue and group; nothing where it did not fail.
INSERT INTO job_attempts (seq, run, cause, worker, started_at, ended_at, error, progress)
SELECT r.seq, r.run, CASE r.state WHEN 'failed' THEN 'failure' ELSE 'crash' END, r.worker, r.started_at, r.finished_at,
       r.error,
       CASE r.state WHEN 'quarantined' THEN (SELECT p.progress FROM job_progress p WHERE p.seq = r.seq) END
FROM jobs j JOIN job_results r ON r.seq = j.seq
WHERE j.id = ? AND r.state IN ('failed', 'quarantined');
INSERT INTO open_jobs (id, seq, queue, priority, state, ready_at, run, group_key, group_limit)
SELECT j.id, j.seq, j.queue, j.priority, CASE WHEN j.group_key IS NULL THEN 2 ELSE 1 END, ?, r.run + 1, j.group_key,
       j.group_limit
FROM jobs j JOIN job_results r ON r.seq = j.seq
WHERE j.id = ? AND changes() > 0
RETURNING queue, group_key;
DELETE FROM job_results WHERE changes() > 0 AND seq = (SELECT seq FROM jobs WHERE id = ?);
