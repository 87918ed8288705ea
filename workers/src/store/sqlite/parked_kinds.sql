-- parked_kinds: which of some kinds have parked jobs in a queue that may hand out any now.
-- ? kinds (JSON)  ? queue  ? queue
SELECT k.value AS kind FROM json_each(?) k
WHERE EXISTS (SELECT 1 FROM open_jobs WHERE queue = ? AND state = 5 AND kind = k.value)
  AND EXISTS (SELECT 1 FROM queues WHERE name = ? AND NOT paused AND (cap IS NULL OR cap <= 0 OR cap > running));
