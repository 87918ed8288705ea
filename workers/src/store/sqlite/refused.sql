-- refused: paused jobs that a budget refused, with what refused them.
-- ? after this job  ? at most
SELECT f.job_id AS id, f.refused FROM budget_refusals f JOIN open_jobs o ON o.id = f.job_id
WHERE f.job_id > ? AND o.state = 4 AND o.run = f.job_run + 1
ORDER BY f.job_id LIMIT ? + 0;
