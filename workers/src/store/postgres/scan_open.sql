-- scan_open: a page of unfinished, unpaused jobs, by id.
-- $1 after this id, or null  $2 accepted at least this many ms ago  $3 at most  $4 injected now in ms, or null
SELECT o.id, o.run, o.ready_at, o.attempts, false AS paused, o.cancel, j.queue, j.priority, j.group_key, j.group_limit,
       j.created_at <= coalesce($4::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $2 AS old_enough
FROM open_jobs o JOIN jobs j ON j.id = o.id
WHERE o.paused IS NULL AND ($1::uuid IS NULL OR o.id > $1)
ORDER BY o.id
LIMIT $3
