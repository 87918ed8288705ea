-- note_step: puts a step on record that needed no call; one that is done stays.
-- ? run  ? thread  ? seq  ? kind  ? name  ? input_hash  ? now  ? now  ? request (JSON) or null  ? response (JSON)
INSERT INTO agent_steps (run_id, thread, seq, kind, name, input_hash, attempt, done_by, started_at, finished_at,
                         request, response)
VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?)
ON CONFLICT (run_id, thread, seq)
DO UPDATE SET response = excluded.response, finished_at = excluded.finished_at, done_by = 0 WHERE done_by IS NULL;
