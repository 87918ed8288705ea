-- lock_open: unfinished jobs as they stand, locked until the transaction ends, in the order of their ids so that two
-- callers cannot wait for each other.
-- $1 ids
SELECT o.id, o.run, o.ready_at, o.attempts, o.paused IS NOT NULL AS paused, o.cancel,
       j.queue, j.priority, j.group_key, j.group_limit
FROM open_jobs o JOIN jobs j ON j.id = o.id
WHERE o.id = ANY ($1)
ORDER BY o.id
FOR UPDATE OF o
