-- finish: records final results of runs that the record still expects.
-- $1 ids  $2 runs  $3 states  $4 workers  $5 started_at (ms) or null  $6 outputs (JSON text) or null
-- $7 errors (JSON text) or null  $8 injected now in ms, or null
-- Returns the ids recorded; an id left out had its result, or was given to another run.
WITH closed AS (
    DELETE FROM open_jobs o
    USING unnest($1::uuid[], $2::integer[]) AS i (id, run)
    WHERE o.id = i.id AND o.run = i.run
    RETURNING o.id, o.attempts
)
INSERT INTO job_results (id, state, run, attempts, worker, started_at, finished_at, output, error)
SELECT i.id, i.state, i.run, c.attempts, i.worker, i.started_at,
       coalesce($8::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint), i.output::jsonb, i.error::jsonb
FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])
         AS i (id, run, state, worker, started_at, output, error)
JOIN closed c ON c.id = i.id
-- A job that is open and has a result cannot be; the result that was first stays.
ON CONFLICT (id) DO NOTHING
RETURNING id
