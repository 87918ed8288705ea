-- resume: makes a paused job ready now.
-- ? now  ? id
-- Returns the job's queue and group; nothing where it was not paused.
UPDATE open_jobs SET state = CASE WHEN group_key IS NULL THEN 2 ELSE 1 END, ready_at = ?, paused = NULL
WHERE id = ? AND state = 4
RETURNING queue, group_key;
