-- list: jobs that match, newest first. Run unprepared, so that the planner sees which filters are set.
-- $1 kind  $2 queue  $3 tenant  $4 labels (JSON text)  $5 created at or after (ms)  $6 created before (ms)
-- $7 terminal state  $8 unfinished: 'scheduled', 'pending', 'paused' or 'running'
-- $9 ids held under a lease  $10 older than this id  $11 at most  $12 injected now in ms, or null
-- $13 just this id, with payload and output
SELECT j.id, j.kind, j.queue, j.tenant, j.priority, j.group_key, j.group_limit, j.created_at, j.max_attempts,
       j.labels::text AS labels, CASE WHEN $13::uuid IS NOT NULL THEN j.payload::text END AS payload,
       o.id IS NOT NULL AS open, o.ready_at, o.paused, coalesce(o.cancel, false) AS cancel,
       o.ready_at > coalesce($12::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS later,
       coalesce(o.attempts, r.attempts) AS attempts,
       r.state, r.started_at, r.finished_at, CASE WHEN $13::uuid IS NOT NULL THEN r.output::text END AS output,
       coalesce(r.error, (SELECT a.error FROM job_attempts a WHERE a.job_id = j.id AND a.error IS NOT NULL
                          ORDER BY a.run DESC LIMIT 1))::text AS error,
       p.progress::text AS progress
FROM jobs j
LEFT JOIN open_jobs o ON o.id = j.id
LEFT JOIN job_results r ON r.id = j.id
LEFT JOIN job_progress p ON p.job_id = j.id
WHERE ($13::uuid IS NULL OR j.id = $13)
  AND ($1::text IS NULL OR j.kind = $1)
  AND ($2::text IS NULL OR j.queue = $2)
  AND ($3::text IS NULL OR j.tenant = $3)
  AND ($4::text IS NULL OR j.labels @> $4::jsonb)
  AND ($5::bigint IS NULL OR j.created_at >= $5)
  AND ($6::bigint IS NULL OR j.created_at < $6)
  AND ($7::text IS NULL OR r.state = $7)
  AND ($8::text IS NULL OR (o.id IS NOT NULL AND CASE $8
        WHEN 'paused' THEN o.paused IS NOT NULL
        WHEN 'running' THEN o.paused IS NULL AND j.id = ANY ($9)
        WHEN 'scheduled' THEN o.paused IS NULL AND j.id <> ALL ($9)
            AND o.ready_at > coalesce($12::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        ELSE o.paused IS NULL AND j.id <> ALL ($9)
            AND o.ready_at <= coalesce($12::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
      END))
  AND ($10::uuid IS NULL OR j.id < $10)
ORDER BY j.id DESC
LIMIT $11
