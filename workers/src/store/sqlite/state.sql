-- state: where a job is, with what explains it; nothing of its input and output.
-- ? id
SELECT j.id, j.kind, j.queue, j.tenant, j.priority, j.group_key, j.created_at, j.max_attempts, NULL AS labels,
       o.state AS place, o.ready_at, o.paused, coalesce(o.cancel, 0) <> 0 AS cancel,
       coalesce(o.failure, r.failure, 0) AS failure, coalesce(o.crash, r.crash, 0) AS crash,
       coalesce(o.handover, r.handover, 0) AS handover, coalesce(o.throttle, r.throttle, 0) AS throttle,
       coalesce(o.budget, r.budget, 0) AS budget,
       r.state, r.started_at, r.finished_at, NULL AS progress,
       coalesce(r.error, (SELECT a.error FROM job_attempts a WHERE a.seq = j.seq AND a.error IS NOT NULL
                          ORDER BY a.run DESC LIMIT 1)) AS error
FROM jobs j INDEXED BY jobs_by_id
LEFT JOIN open_jobs o ON o.id = j.id
LEFT JOIN job_results r ON r.seq = j.seq
WHERE j.id = ?;
