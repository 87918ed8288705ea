-- old_spend: whether there is something to prune from the ledger.
-- ? days before this one  ? days before this one
-- Returns a row where there is.
SELECT 1 WHERE EXISTS (SELECT 1 FROM agent_calls WHERE provider IS NOT NULL AND day < ? AND outcome <> 'open')
  OR EXISTS (SELECT 1 FROM budgets WHERE period <> 'total' AND period < ? AND held_cost = 0 AND held_tokens = 0);
