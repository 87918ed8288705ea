-- finish_step: puts the result of a step on record, the first one only.
-- ? response (JSON)  ? now  ? attempt  ? run  ? thread  ? seq
UPDATE agent_steps SET response = ?, finished_at = ?, done_by = ?
WHERE run_id = ? AND thread = ? AND seq = ? AND done_by IS NULL;
