-- refuse: remembers which budgets had no room for jobs' calls.
-- $1 jobs  $2 runs of the leases  $3 refused (JSON text)
INSERT INTO budget_refusals (job_id, job_run, refused)
SELECT i.job_id, i.run, i.refused::json FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS i (job_id, run, refused)
ON CONFLICT (job_id) DO UPDATE SET job_run = excluded.job_run, refused = excluded.refused
