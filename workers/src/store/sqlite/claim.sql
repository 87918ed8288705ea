-- claim: hands out the first ready jobs of a queue, unless it is paused or at its cap.
-- ? queue  ? at most  ? at most  ? queue
-- ? worker  ? lease_until  ? now  ? queue  ? at most  ? at most  ? queue
-- ? queue
-- Returns the jobs in order, as they were before. Writes nothing where there are none: a worker that finds its queue
-- empty wakes no other.
SELECT o.id, o.priority, o.ready_at, o.run, o.group_key, o.group_limit, o.failure, o.crash, o.handover, o.throttle, o.budget,
       j.kind, j.tenant, j.trace, j.max_attempts, j.timeout_ms, j.base_ms, j.cap_ms, j.payload
FROM open_jobs o LEFT JOIN jobs j ON j.seq = o.seq
WHERE o.queue = ? AND o.state = 2
ORDER BY o.priority, o.ready_at, o.id
LIMIT coalesce((SELECT CASE WHEN paused THEN 0 WHEN cap IS NULL OR cap <= 0 THEN ? ELSE max(0, min(?, cap - running)) END
                FROM queues WHERE name = ?), 0);
UPDATE open_jobs SET state = 3, worker = ?, lease_until = ?, started_at = ?
WHERE id IN (SELECT id FROM open_jobs
             WHERE queue = ? AND state = 2
             ORDER BY priority, ready_at, id
             LIMIT coalesce((SELECT CASE WHEN paused THEN 0 WHEN cap IS NULL OR cap <= 0 THEN ?
                                         ELSE max(0, min(?, cap - running)) END
                             FROM queues WHERE name = ?), 0));
UPDATE queues SET pending = pending - changes(), running = running + changes() WHERE name = ? AND changes() > 0;
