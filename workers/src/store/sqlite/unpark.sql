-- unpark: makes the first parked jobs of a kind ready again.
-- ? queue  ? kind  ? at most
UPDATE open_jobs SET state = 2, kind = NULL
WHERE id IN (SELECT id FROM open_jobs WHERE queue = ? AND state = 5 AND kind = ?
             ORDER BY priority, ready_at, id LIMIT ? + 0);
