-- read_budgets: how full budgets are.
-- $1 scopes  $2 periods, or null for today  $3 injected now in ms, or null
-- Returns a row for each, in order; nulls where one was never used.
SELECT b.spent_cost, b.spent_tokens, b.held_cost, b.held_tokens
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (scope, period, n)
LEFT JOIN budgets b ON b.scope = i.scope AND b.period = coalesce(i.period, to_char(to_timestamp(
    coalesce($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) / 1000.0) AT TIME ZONE 'UTC',
    'YYYY-MM-DD'))
ORDER BY i.n
