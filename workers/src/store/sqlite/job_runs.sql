-- job_runs: every run of an agent on a job, the oldest first.
-- ? job
SELECT run_id AS id, agent, started_at, superseded FROM agent_runs WHERE job_id = ? ORDER BY ordinal;
