-- parked: how many jobs of a queue are parked, by kind, and since when the longest-waiting one is ready.
-- ? queue
SELECT kind, count(*) AS jobs, min(ready_at) AS oldest FROM open_jobs WHERE queue = ? AND state = 5 AND kind IS NOT NULL
GROUP BY kind ORDER BY kind;
