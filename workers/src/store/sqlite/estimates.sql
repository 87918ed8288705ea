-- estimates: what was estimated and counted for each model, over its newest calls.
-- ? most calls of a model
WITH RECURSIVE models (model) AS (
    SELECT min(model) FROM agent_calls WHERE outcome = 'done' AND provider IS NOT NULL AND input IS NOT NULL
    UNION ALL
    SELECT (SELECT min(c.model) FROM agent_calls c
            WHERE c.outcome = 'done' AND c.provider IS NOT NULL AND c.input IS NOT NULL AND c.model > m.model)
    FROM models m WHERE m.model IS NOT NULL
), newest AS (
    SELECT c.model, c.estimated_input AS estimated, c.input + c.cache_read + c.cache_write + c.cache_write_1h AS counted
    FROM models m JOIN agent_calls c ON (c.run_id, c.thread, c.seq, c.attempt) IN (
        SELECT n.run_id, n.thread, n.seq, n.attempt FROM agent_calls n
        WHERE n.model = m.model AND n.outcome = 'done' AND n.provider IS NOT NULL AND n.input IS NOT NULL
        ORDER BY n.started_at DESC LIMIT ? + 0)
)
SELECT model, count(*) AS calls, coalesce(sum(estimated), 0) AS estimated, coalesce(sum(counted), 0) AS counted
FROM newest GROUP BY model ORDER BY model;
