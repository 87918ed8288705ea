-- refuse: remembers which budget had no room for a job's call.
-- ? job  ? run of the lease  ? refused (JSON)
INSERT INTO budget_refusals (job_id, job_run, refused) VALUES (?, ?, ?)
ON CONFLICT (job_id) DO UPDATE SET job_run = excluded.job_run, refused = excluded.refused;
