-- states: where jobs are, with what explains it; nothing of their input and output. Whether one runs, only the queue knows.
-- $1 ids  $2 injected now in ms, or null
SELECT j.id, j.kind, j.queue, j.tenant, j.priority, j.group_key, j.group_limit, j.created_at, j.max_attempts,
       NULL::text AS labels, NULL::text AS payload, NULL::text AS output, NULL::text AS progress,
       o.id IS NOT NULL AS open, o.ready_at, o.paused, coalesce(o.cancel, false) AS cancel,
       o.ready_at > coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS later,
       coalesce(o.attempts, r.attempts) AS attempts, r.state, r.started_at, r.finished_at,
       coalesce(r.error, (SELECT a.error FROM job_attempts a WHERE a.job_id = j.id AND a.error IS NOT NULL
                          ORDER BY a.run DESC LIMIT 1))::text AS error
FROM unnest($1::uuid[]) AS i (id)
JOIN jobs j ON j.id = i.id
LEFT JOIN open_jobs o ON o.id = j.id
LEFT JOIN job_results r ON r.id = j.id
