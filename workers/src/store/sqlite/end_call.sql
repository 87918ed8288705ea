-- end_call: puts the end of a call into the ledger.
-- ? outcome  ? error or null  ? input  ? cache_read  ? cache_write  ? cache_write_1h  ? output  ? reasoning
-- ? cost or null  ? request_id or null  ? now  ? run  ? thread  ? seq  ? attempt
UPDATE agent_calls
SET outcome = ?, error = ?, input = ?, cache_read = ?, cache_write = ?, cache_write_1h = ?, output = ?, reasoning = ?,
    cost = ?, request_id = ?, finished_at = ?
WHERE run_id = ? AND thread = ? AND seq = ? AND attempt = ?;
