-- due_approvals: approvals that end by themselves: their time is up, their job has ended, or another run took the place
-- of theirs. What is decided and was not heard ends being looked at with its job, too.
-- ? now  ? this one only, or null  ? the same  ? at most
SELECT a.id FROM approvals a
WHERE a.heard = 0 AND (a.decision = 'pending' AND a.expires_at <= ?
       OR NOT EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = a.job_id)
       OR EXISTS (SELECT 1 FROM agent_runs r WHERE r.run_id = a.run_id AND r.superseded = 1))
  AND (? IS NULL OR a.id = ?)
LIMIT ? + 0;
