-- load_open: unfinished jobs with all that the queue needs to hand them out.
-- $1 ids
SELECT j.id, j.kind, j.queue, j.tenant, j.priority, j.group_key, j.group_limit, j.max_attempts, j.timeout_ms,
       j.backoff, j.trace, j.payload::text AS payload, o.run, o.ready_at, o.attempts
FROM open_jobs o JOIN jobs j ON j.id = o.id
WHERE o.id = ANY ($1) AND o.paused IS NULL
