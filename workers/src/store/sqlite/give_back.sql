-- give_back: records a run that ended without a final result, and raises the job's fence.
-- ? worker or null for the one that runs it  ? started_at or null for when that one began  ? ended_at
-- ? error (JSON) or null  ? cause  ? id  ? run
-- ? state  ? state again  ? ready_at or null to keep it  ? why paused or null
-- ? ? ? ? ? one more failure, crash, handover, throttle, budget: 1 or 0  ? id
-- Returns the job's queue and group; nothing where it had its result, or was given to another run.
INSERT INTO job_attempts (cause, seq, run, worker, started_at, ended_at, error, progress)
SELECT i.cause, o.seq, o.run, coalesce(?, o.worker, '-'), coalesce(?, o.started_at), ?, ?,
       CASE i.cause WHEN 'crash' THEN (SELECT p.progress FROM job_progress p WHERE p.seq = o.seq) END
FROM (SELECT ? AS cause) i, open_jobs o WHERE o.id = ? AND o.run = ?
ON CONFLICT (seq, run) DO UPDATE SET cause = excluded.cause;
UPDATE open_jobs
SET run = run + 1, state = ?, holds = CASE WHEN ? = 4 THEN 0 ELSE holds END, ready_at = coalesce(?, ready_at),
    paused = ?, failure = failure + ?, crash = crash + ?, handover = handover + ?, throttle = throttle + ?,
    budget = budget + ?, worker = NULL, lease_until = NULL, started_at = NULL
WHERE id = ? AND changes() > 0
RETURNING queue, group_key;
