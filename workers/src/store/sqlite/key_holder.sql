-- key_holder: who holds a unique or idempotency key.
-- ? key
-- Returns a row where there is one; `state` is null for a job that has its result.
SELECT k.id, k.scope, k.expires_at, o.state, j.kind, j.payload
FROM job_keys k LEFT JOIN jobs j ON j.id = k.id LEFT JOIN open_jobs o ON o.id = k.id
WHERE k.key = ?;
