-- prune_keys: deletes keys whose window is over.
-- ? now  ? at most
DELETE FROM job_keys WHERE key IN (
    SELECT key FROM job_keys WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ? + 0);
