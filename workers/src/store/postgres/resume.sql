-- resume: makes paused jobs ready now.
-- $1 ids  $2 injected now in ms, or null
-- Returns the ids resumed.
UPDATE open_jobs
SET paused = NULL, ready_at = coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
WHERE id = ANY ($1) AND paused IS NOT NULL
RETURNING id
