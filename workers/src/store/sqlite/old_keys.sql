-- old_keys: whether the window of any key is over.
-- ? now
SELECT 1 FROM job_keys WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT 1;
