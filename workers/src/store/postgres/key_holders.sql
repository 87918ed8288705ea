-- key_holders: who holds these keys, locked until the transaction ends.
-- $1 keys  $2 the newcomers' kinds  $3 the newcomers' payloads (JSON text)  $4 injected now in ms, or null
-- Returns a row for each, numbered from 1 in the order given.
SELECT i.ord, k.job_id, k.scope,
       k.expires_at > coalesce($4::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS in_window,
       o.id IS NOT NULL AS open, o.paused IS NOT NULL AS paused, j.queue, j.priority, j.group_key, j.group_limit,
       coalesce(j.kind = i.kind AND j.payload = i.payload::jsonb, false) AS same
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS i (key, kind, payload, ord)
JOIN job_keys k ON k.key = i.key
LEFT JOIN jobs j ON j.id = k.job_id
LEFT JOIN open_jobs o ON o.id = k.job_id
ORDER BY k.key
FOR UPDATE OF k
