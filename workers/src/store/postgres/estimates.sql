-- estimates: what was estimated and counted for each model, over its newest calls.
-- $1 most calls of a model
WITH RECURSIVE models (model) AS (
    SELECT min(model) FROM agent_calls WHERE outcome = 'done' AND provider IS NOT NULL AND input IS NOT NULL
    UNION ALL
    SELECT (SELECT min(c.model) FROM agent_calls c
            WHERE c.outcome = 'done' AND c.provider IS NOT NULL AND c.input IS NOT NULL AND c.model > m.model)
    FROM models m WHERE m.model IS NOT NULL
)
SELECT m.model, count(*) AS calls, coalesce(sum(n.estimated_input), 0)::bigint AS estimated,
       coalesce(sum(n.input + n.cache_read + n.cache_write + n.cache_write_1h), 0)::bigint AS counted
FROM models m, LATERAL (
    SELECT c.estimated_input, c.input, c.cache_read, c.cache_write, c.cache_write_1h FROM agent_calls c
    WHERE c.model = m.model AND c.outcome = 'done' AND c.provider IS NOT NULL AND c.input IS NOT NULL
    ORDER BY c.started_at DESC LIMIT $1) n
GROUP BY m.model ORDER BY m.model
