-- insert_job: puts an accepted job on record as unfinished.
-- ? id  ? kind  ? queue  ? tenant  ? priority  ? group key  ? group limit  ? now  ? max_attempts  ? timeout_ms
-- ? back-off base_ms  ? back-off cap_ms  ? trace  ? labels (JSON) or null  ? payload (JSON)
-- ? id  ? queue  ? priority  ? state  ? ready_at  ? group key  ? group limit
INSERT INTO jobs (id, kind, queue, tenant, priority, group_key, group_limit, created_at, max_attempts, timeout_ms,
                  base_ms, cap_ms, trace, labels, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
INSERT INTO open_jobs (seq, id, queue, priority, state, ready_at, group_key, group_limit)
VALUES (last_insert_rowid(), ?, ?, ?, ?, ?, ?, ?);
