-- all_parked_kinds: which kinds have parked jobs in a queue that may hand out any now.
-- ? queue  ? queue
SELECT DISTINCT kind FROM open_jobs WHERE queue = ? AND state = 5 AND kind IS NOT NULL
  AND EXISTS (SELECT 1 FROM queues WHERE name = ? AND NOT paused AND (cap IS NULL OR cap <= 0 OR cap > running));
