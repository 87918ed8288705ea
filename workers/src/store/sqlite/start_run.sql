-- start_run: begins a run of an agent; every earlier run of the job stays as it is.
-- ? job  ? run  ? job  ? ordinal  ? agent  ? tenant  ? session or null  ? started_at  ? plan (JSON)
UPDATE agent_runs SET superseded = 1 WHERE job_id = ? AND superseded = 0;
INSERT INTO agent_runs (run_id, job_id, ordinal, agent, tenant, session, started_at, plan)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);
