-- prune_keys: deletes keys whose window is over, but none that somebody is taking now.
-- $1 at most  $2 injected now in ms, or null
DELETE FROM job_keys WHERE key IN (
    SELECT key FROM job_keys
    WHERE expires_at <= coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    ORDER BY expires_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
