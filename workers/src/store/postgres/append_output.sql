-- append_output: appends live events of runs that the record still expects, numbering each job's without a gap.
-- $1 job ids  $2 runs  $3 events (JSON text), in the order they happened  $4 most events a job keeps
-- $5 injected now in ms, or null
-- Returns the jobs that got any.
WITH input AS (
    SELECT i.job_id, i.event, row_number() OVER (PARTITION BY i.job_id ORDER BY i.ord) AS n
    FROM unnest($1::uuid[], $2::integer[], $3::text[]) WITH ORDINALITY AS i (job_id, run, event, ord)
    JOIN open_jobs o ON o.id = i.job_id AND o.run = i.run
), last AS (
    SELECT d.job_id, coalesce((SELECT max(seq) FROM job_output p WHERE p.job_id = d.job_id), 0) AS seq
    FROM (SELECT DISTINCT job_id FROM input) d
), kept AS (
    INSERT INTO job_output (job_id, seq, at, event)
    SELECT i.job_id, l.seq + i.n, coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint),
           CASE WHEN l.seq + i.n = $4 THEN '{"type":"cut"}'::jsonb ELSE i.event::jsonb END
    FROM input i JOIN last l ON l.job_id = i.job_id
    WHERE l.seq + i.n <= $4
), told AS (
    INSERT INTO job_progress (job_id, progress)
    SELECT DISTINCT ON (i.job_id) i.job_id, i.event::jsonb - 'type'
    FROM input i WHERE i.event::jsonb ->> 'type' = 'progress'
    ORDER BY i.job_id, i.n DESC
    ON CONFLICT (job_id) DO UPDATE SET progress = excluded.progress
)
SELECT job_id AS id FROM last
