-- claim_keys: takes keys that nobody holds. Waits for a transaction that is taking the same key.
-- $1 keys  $2 job ids  $3 scopes  $4 windows in ms or null  $5 injected now in ms, or null
-- Returns the keys taken and by which job; of two that want the same key, the first gets it.
INSERT INTO job_keys (key, job_id, scope, expires_at)
SELECT i.key, i.job_id, i.scope,
       i.window_ms + coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[]) WITH ORDINALITY AS i (key, job_id, scope, window_ms, ord)
ORDER BY i.key, i.ord
ON CONFLICT (key) DO NOTHING
RETURNING key, job_id
