-- Keys by their end, so that those that count no more are found. What else is new lives in the queue.

CREATE INDEX job_keys_by_end ON job_keys (expires_at) WHERE expires_at IS NOT NULL;
