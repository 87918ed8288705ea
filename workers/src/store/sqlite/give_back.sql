-- give_back: records a run that ended without a final result, and raises the job's fence.
-- ? cause  ? worker or null for the one that runs it  ? started_at or null for when that one began  ? ended_at
-- ? error (JSON) or null  ? id  ? run
-- ? state  ? state again  ? ready_at or null to keep it  ? why paused or null
-- ? ? ? ? ? one more failure, crash, handover, throttle, budget: 1 or 0  ? id
-- Returns the job's queue and group; nothing where it had its result, or was given to another run.
INSERT INTO job_attempts (seq, run, cause, worker, started_at, ended_at, error)
SELECT seq, run, ?, coalesce(?, worker, '-'), coalesce(?, started_at), ?, ? FROM open_jobs WHERE id = ? AND run = ?;
UPDATE open_jobs
SET run = run + 1, state = ?, holds = CASE WHEN ? = 4 THEN 0 ELSE holds END, ready_at = coalesce(?, ready_at),
    paused = ?, failure = failure + ?, crash = crash + ?, handover = handover + ?, throttle = throttle + ?,
    budget = budget + ?, worker = NULL, lease_until = NULL, started_at = NULL
WHERE id = ? AND changes() > 0
RETURNING queue, group_key;
