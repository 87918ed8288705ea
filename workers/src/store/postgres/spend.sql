-- spend: what was spent in some days, in rows that differ in what is asked for.
-- $1 by day  $2 by tenant  $3 by agent  $4 by model  $5 first day  $6 last day
-- $7 tenant  $8 agent  $9 model: null for any  $10 at most
SELECT CASE WHEN $1 THEN c.day END AS day, CASE WHEN $2 THEN c.tenant END AS tenant, CASE WHEN $3 THEN c.agent END AS agent,
       CASE WHEN $4 THEN c.model END AS model, coalesce(sum(c.cost), 0)::bigint AS cost, count(*) FILTER (WHERE c.saved IS NULL) AS calls,
       count(*) FILTER (WHERE c.outcome = 'lost' AND c.saved IS NULL) AS lost,
       count(*) FILTER (WHERE c.cost IS NULL AND c.saved IS NULL AND c.outcome <> 'open') AS unknown,
       count(*) FILTER (WHERE c.input IS NULL AND c.cost > 0) AS estimated,
       coalesce(sum(c.held_cost) FILTER (WHERE c.outcome = 'open'), 0)::bigint AS held,
       coalesce(sum(c.input), 0)::bigint AS input, coalesce(sum(c.cache_read), 0)::bigint AS cache_read,
       coalesce(sum(c.cache_write), 0)::bigint AS cache_write,
       coalesce(sum(c.cache_write_1h), 0)::bigint AS cache_write_1h, coalesce(sum(c.output), 0)::bigint AS output,
       coalesce(sum(c.reasoning), 0)::bigint AS reasoning,
       count(*) FILTER (WHERE c.saved IS NOT NULL AND c.outcome = 'done') AS cached,
       coalesce(sum(c.saved) FILTER (WHERE c.outcome = 'done'), 0)::bigint AS saved
FROM agent_calls c
WHERE c.provider IS NOT NULL AND c.day BETWEEN $5 AND $6
  AND ($7::text IS NULL OR c.tenant = $7) AND ($8::text IS NULL OR c.agent = $8) AND ($9::text IS NULL OR c.model = $9)
GROUP BY 1, 2, 3, 4
ORDER BY 1 DESC, 5 DESC, 2, 3, 4
LIMIT $10
