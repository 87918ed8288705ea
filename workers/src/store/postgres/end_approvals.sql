-- end_approvals: ends approvals that nobody decided: for their job's sake, since it ended or another run took the place of
-- theirs, or else since their time is up. What is decided and was not heard ends being looked at with its job, too.
-- $1 this one only, or null  $2 at most  $3 injected now in ms, or null
WITH t AS (SELECT coalesce($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now),
due AS (
    SELECT d.id, d.gone FROM (
        SELECT a.id, a.decision, a.expires_at,
               NOT EXISTS (SELECT FROM open_jobs o WHERE o.id = a.job_id)
               OR EXISTS (SELECT FROM agent_runs r WHERE r.run_id = a.run_id AND r.superseded) AS gone
        FROM approvals a WHERE NOT a.heard AND ($1::uuid IS NULL OR a.id = $1)
    ) d, t
    WHERE d.gone OR d.decision = 'pending' AND d.expires_at <= t.now
    LIMIT $2
)
UPDATE approvals a
SET heard = due.gone, decided_at = CASE WHEN a.decision = 'pending' THEN t.now ELSE a.decided_at END,
    decision = CASE WHEN a.decision <> 'pending' THEN a.decision WHEN due.gone THEN 'ended' ELSE 'expired' END
FROM due, t WHERE a.id = due.id AND NOT a.heard AND (due.gone OR a.decision = 'pending')
