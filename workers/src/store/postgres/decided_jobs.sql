-- decided_jobs: paused jobs whose last run ended to wait for an approval that is decided now.
-- $1 at most
SELECT DISTINCT a.job_id AS id FROM approvals a JOIN open_jobs o ON o.id = a.job_id
WHERE NOT a.heard AND a.decision <> 'pending' AND o.paused IS NOT NULL AND o.run = a.job_run + 1
LIMIT $1
