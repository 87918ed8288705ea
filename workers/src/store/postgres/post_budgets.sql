-- post_budgets: changes what budgets have spent and hold, in the order of their names so that two callers cannot wait
-- for each other.
-- $1 scopes  $2 periods  $3 spent_cost  $4 spent_tokens  $5 held_cost  $6 held_tokens: more
-- Returns how they stand now.
INSERT INTO budgets AS b (scope, period, spent_cost, spent_tokens, held_cost, held_tokens)
SELECT i.scope, i.period, i.spent_cost, i.spent_tokens, i.held_cost, i.held_tokens
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
         AS i (scope, period, spent_cost, spent_tokens, held_cost, held_tokens)
ORDER BY i.scope COLLATE "C", i.period COLLATE "C"
ON CONFLICT (scope, period) DO UPDATE
SET spent_cost = b.spent_cost + excluded.spent_cost, spent_tokens = b.spent_tokens + excluded.spent_tokens,
    held_cost = b.held_cost + excluded.held_cost, held_tokens = b.held_tokens + excluded.held_tokens
RETURNING b.scope, b.period, b.spent_cost, b.spent_tokens, b.held_cost, b.held_tokens
