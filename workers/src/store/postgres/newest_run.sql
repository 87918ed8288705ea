-- newest_run: the run of an agent that a job goes on with, for whoever holds the job's lease.
-- $1 job  $2 run of the lease
-- Returns nothing where the lease was taken away, and nulls where no agent has worked on the job yet.
SELECT r.run_id AS id, r.plan::text AS plan, r.started_at,
       (SELECT count(*) FROM agent_runs a WHERE a.job_id = o.id) AS runs
FROM open_jobs o LEFT JOIN agent_runs r ON r.job_id = o.id AND NOT r.superseded
WHERE o.id = $1 AND o.run = $2
ORDER BY r.ordinal DESC NULLS LAST LIMIT 1
