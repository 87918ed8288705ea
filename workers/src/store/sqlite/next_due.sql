-- next_due: when the next job of a queue is due that waits for its time.
-- ? queue
SELECT min(ready_at) AS at FROM open_jobs WHERE queue = ? AND state = 0;
