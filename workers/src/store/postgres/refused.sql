-- refused: paused jobs that a budget refused, with what refused them.
-- $1 after this job  $2 at most
SELECT f.job_id AS id, f.refused::text AS refused FROM budget_refusals f JOIN open_jobs o ON o.id = f.job_id
WHERE f.job_id > $1 AND o.paused IS NOT NULL AND o.run = f.job_run + 1
ORDER BY f.job_id LIMIT $2
