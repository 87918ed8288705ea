-- take_keys: takes keys over from holders that no longer count; the caller holds them locked.
-- $1 keys  $2 job ids  $3 scopes  $4 windows in ms or null  $5 injected now in ms, or null
UPDATE job_keys k
SET job_id = i.job_id, scope = i.scope,
    expires_at = i.window_ms + coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[]) AS i (key, job_id, scope, window_ms)
WHERE k.key = i.key
