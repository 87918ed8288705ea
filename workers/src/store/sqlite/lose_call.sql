-- lose_call: a call whose lease ended has no end.
-- ? now  ? run  ? thread  ? seq  ? attempt
UPDATE agent_calls SET outcome = 'lost', finished_at = ? WHERE run_id = ? AND thread = ? AND seq = ? AND attempt = ?;
