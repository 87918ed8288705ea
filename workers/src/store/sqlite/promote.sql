-- promote: makes due jobs of a queue ready, or puts them in their groups' lines; one that holds a slot is ready.
-- ? queue  ? now  ? at most
-- Returns the jobs as they are now.
UPDATE open_jobs SET state = CASE WHEN group_key IS NULL OR holds = 1 THEN 2 ELSE 1 END
WHERE id IN (SELECT id FROM open_jobs WHERE queue = ? AND state = 0 AND ready_at <= ? ORDER BY ready_at, id LIMIT ? + 0)
RETURNING id, group_key, state;
