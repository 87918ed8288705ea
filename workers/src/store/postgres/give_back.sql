-- give_back: records runs that ended without a final result, and raises each job's fence.
-- $1 ids  $2 runs  $3 causes  $4 workers  $5 started_at (ms) or null  $6 errors (JSON text) or null
-- $7 ready_at (ms), or null for $15 ms from now
-- $8 failure  $9 crash  $10 handover  $11 throttle  $12 budget: the new counters
-- $13 paused reasons or null  $14 injected now in ms, or null  $15 delays in ms
-- Returns the ids recorded and when they are ready; an id left out had its result, or was given to another run.
WITH clock AS (
    SELECT coalesce($14::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now
), raised AS (
    UPDATE open_jobs o
    SET run = o.run + 1, ready_at = coalesce(i.ready_at, c.now + i.delay), paused = i.paused,
        attempts = ARRAY[i.failure, i.crash, i.handover, i.throttle, i.budget]
    FROM unnest($1::uuid[], $2::integer[], $7::bigint[], $8::integer[], $9::integer[], $10::integer[], $11::integer[],
                $12::integer[], $13::text[], $15::bigint[])
             AS i (id, run, ready_at, failure, crash, handover, throttle, budget, paused, delay), clock c
    WHERE o.id = i.id AND o.run = i.run
    RETURNING o.id, o.ready_at
), kept AS (
    INSERT INTO job_attempts (job_id, run, cause, worker, started_at, ended_at, error, progress)
    SELECT i.id, i.run, i.cause, i.worker, i.started_at, c.now, i.error::jsonb,
           CASE i.cause WHEN 'crash' THEN (SELECT p.progress FROM job_progress p WHERE p.job_id = i.id) END
    FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::text[])
             AS i (id, run, cause, worker, started_at, error)
    JOIN raised r ON r.id = i.id, clock c
    ON CONFLICT (job_id, run) DO NOTHING
)
SELECT id, ready_at FROM raised
