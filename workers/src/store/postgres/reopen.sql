-- reopen: makes failed and quarantined jobs unfinished again, with fresh counters; the former result joins the history.
-- $1 ids  $2 injected now in ms, or null
-- Returns the ids reopened.
WITH clock AS (
    SELECT coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now
), former AS (
    DELETE FROM job_results WHERE id = ANY ($1) AND state IN ('failed', 'quarantined') RETURNING *
), kept AS (
    INSERT INTO job_attempts (job_id, run, cause, worker, started_at, ended_at, error, progress)
    SELECT id, run, CASE state WHEN 'failed' THEN 'failure' ELSE 'crash' END, worker, started_at, finished_at, error,
           CASE state WHEN 'quarantined' THEN (SELECT p.progress FROM job_progress p WHERE p.job_id = former.id) END
    FROM former
    ON CONFLICT (job_id, run) DO NOTHING
)
INSERT INTO open_jobs (id, run, ready_at)
SELECT former.id, former.run + 1, clock.now FROM former, clock
RETURNING id
