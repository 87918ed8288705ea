-- post_budget: changes what a budget has spent and holds.
-- ? scope  ? period  ? spent_cost  ? spent_tokens  ? held_cost  ? held_tokens: more
INSERT INTO budgets (scope, period, spent_cost, spent_tokens, held_cost, held_tokens) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (scope, period) DO UPDATE
SET spent_cost = spent_cost + excluded.spent_cost, spent_tokens = spent_tokens + excluded.spent_tokens,
    held_cost = held_cost + excluded.held_cost, held_tokens = held_tokens + excluded.held_tokens;
