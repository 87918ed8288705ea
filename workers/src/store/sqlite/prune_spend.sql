-- prune_spend: deletes calls of long ago from the ledger, and the budgets of days as long ago.
-- ? days before this one  ? at most  ? days before this one  ? at most
-- Returns a row for each call or budget that went.
DELETE FROM agent_calls WHERE (run_id, thread, seq, attempt) IN (
    SELECT run_id, thread, seq, attempt FROM agent_calls WHERE provider IS NOT NULL AND day < ? AND outcome <> 'open'
    LIMIT ? + 0)
RETURNING 1;
DELETE FROM budgets WHERE (scope, period) IN (
    SELECT scope, period FROM budgets WHERE period <> 'total' AND period < ? AND held_cost = 0 AND held_tokens = 0
    LIMIT ? + 0)
RETURNING 1;
