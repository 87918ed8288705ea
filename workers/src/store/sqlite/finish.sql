-- finish: records a job's final result and closes it, if this run of it is the one that counts.
-- ? state  ? worker or null for the one that runs it  ? started_at or null for when that one began  ? finished_at
-- ? error (JSON) or null  ? output (JSON) or null  ? id  ? run  ? id
-- Returns where the job was; nothing where it had its result, or was given to another run.
INSERT INTO job_results (seq, id, state, run, failure, crash, handover, throttle, budget, worker, started_at,
                         finished_at, error, output)
SELECT seq, id, ?, run, failure, crash, handover, throttle, budget, coalesce(?, worker, '-'), coalesce(?, started_at),
       ?, ?, ?
FROM open_jobs WHERE id = ? AND run = ?
-- A job that is open and has a result cannot be; the result that was first stays.
ON CONFLICT (seq) DO UPDATE SET worker = worker;
DELETE FROM open_jobs WHERE id = ? AND changes() > 0 RETURNING queue, state, group_key, holds;
