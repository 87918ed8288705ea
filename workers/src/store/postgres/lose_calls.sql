-- lose_calls: open calls whose leases ended have no end. One that is being ended just now is left to whoever does.
-- $1 at most  $2 injected now in ms, or null
-- Returns what they held, and for whom.
WITH dead AS (
    SELECT c.run_id, c.thread, c.seq, c.attempt FROM agent_calls c
    WHERE c.outcome = 'open'
      AND NOT EXISTS (SELECT FROM open_jobs o WHERE o.id = c.job_id AND o.run = c.job_run)
    LIMIT $1
    FOR UPDATE OF c SKIP LOCKED
)
UPDATE agent_calls c
SET outcome = 'lost', finished_at = coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM dead d
WHERE c.run_id = d.run_id AND c.thread = d.thread AND c.seq = d.seq AND c.attempt = d.attempt
RETURNING c.job_id, c.tenant, c.session, c.day, c.provider IS NOT NULL AS paid, c.held_cost, c.held_tokens
