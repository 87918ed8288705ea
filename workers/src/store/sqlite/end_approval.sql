-- end_approval: ends an approval, if nobody decided it: for its job's sake, or else since its time is up.
-- ? now  ? id  ? now
UPDATE approvals
SET heard = gone, decided_at = CASE WHEN decision = 'pending' THEN ? ELSE decided_at END,
    decision = CASE WHEN decision <> 'pending' THEN decision WHEN gone THEN 'ended' ELSE 'expired' END
FROM (SELECT a.id AS due, NOT EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = a.job_id)
             OR EXISTS (SELECT 1 FROM agent_runs r WHERE r.run_id = a.run_id AND r.superseded = 1) AS gone
      FROM approvals a WHERE a.id = ? AND a.heard = 0)
WHERE id = due AND (gone OR decision = 'pending' AND expires_at <= ?);
