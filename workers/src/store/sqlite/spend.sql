-- spend: what was spent in some days, in rows that differ in what is asked for.
-- ? by day  ? by tenant  ? by agent  ? by model: 1 or 0  ? first day  ? last day
-- ? tenant  ? tenant  ? agent  ? agent  ? model  ? model: null for any  ? at most
SELECT CASE WHEN ? THEN day END AS day, CASE WHEN ? THEN tenant END AS tenant, CASE WHEN ? THEN agent END AS agent,
       CASE WHEN ? THEN model END AS model, coalesce(sum(cost), 0) AS cost, count(*) FILTER (WHERE saved IS NULL) AS calls,
       count(*) FILTER (WHERE outcome = 'lost' AND saved IS NULL) AS lost,
       count(*) FILTER (WHERE cost IS NULL AND saved IS NULL AND outcome <> 'open') AS unknown,
       count(*) FILTER (WHERE input IS NULL AND cost > 0) AS estimated,
       coalesce(sum(held_cost) FILTER (WHERE outcome = 'open'), 0) AS held,
       coalesce(sum(input), 0) AS input, coalesce(sum(cache_read), 0) AS cache_read,
       coalesce(sum(cache_write), 0) AS cache_write, coalesce(sum(cache_write_1h), 0) AS cache_write_1h,
       coalesce(sum(output), 0) AS output, coalesce(sum(reasoning), 0) AS reasoning,
       count(*) FILTER (WHERE saved IS NOT NULL AND outcome = 'done') AS cached,
       coalesce(sum(saved) FILTER (WHERE outcome = 'done'), 0) AS saved
FROM agent_calls c
WHERE provider IS NOT NULL AND c.day BETWEEN ? AND ?
  AND (? IS NULL OR c.tenant = ?) AND (? IS NULL OR c.agent = ?) AND (? IS NULL OR c.model = ?)
GROUP BY 1, 2, 3, 4
ORDER BY 1 DESC, 5 DESC, 2, 3, 4
LIMIT ? + 0;
