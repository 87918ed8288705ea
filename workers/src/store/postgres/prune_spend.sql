-- prune_spend: deletes calls of long ago from the ledger, and the budgets of days as long ago.
-- $1 more than this many ms ago  $2 at most  $3 injected now in ms, or null
-- Returns how many went.
WITH before AS (
    SELECT to_char(to_timestamp((coalesce($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $1)
                                / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
), calls AS (
    DELETE FROM agent_calls WHERE (run_id, thread, seq, attempt) IN (
        SELECT c.run_id, c.thread, c.seq, c.attempt FROM agent_calls c
        WHERE c.provider IS NOT NULL AND c.day < (SELECT day FROM before) AND c.outcome <> 'open'
        LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING 1
), days AS (
    DELETE FROM budgets WHERE (scope, period) IN (
        SELECT b.scope, b.period FROM budgets b
        WHERE b.period <> 'total' AND b.period < (SELECT day FROM before) AND b.held_cost = 0 AND b.held_tokens = 0
        LIMIT $2 FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT (SELECT count(*) FROM calls) + (SELECT count(*) FROM days) AS gone
