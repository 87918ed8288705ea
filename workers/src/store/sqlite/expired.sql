-- expired: jobs of a queue whose leases ran out.
-- ? queue  ? now  ? at most
SELECT id, run, ready_at, priority, group_key, group_limit, worker, cancel <> 0 AS cancel, failure, crash, handover, throttle, budget
FROM open_jobs WHERE queue = ? AND state = 3 AND lease_until <= ?
ORDER BY lease_until, id LIMIT ? + 0;
