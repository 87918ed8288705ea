-- read_budget: how full a budget is; nothing where it was never used.
-- ? scope  ? period
SELECT spent_cost, spent_tokens, held_cost, held_tokens FROM budgets WHERE scope = ? AND period = ?;
