-- take_key: gives a key to a job, whoever had it before.
-- ? key  ? id  ? scope  ? expires_at or null
INSERT INTO job_keys (key, id, scope, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET id = excluded.id, scope = excluded.scope, expires_at = excluded.expires_at;
