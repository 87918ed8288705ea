-- start_run: begins a run of an agent; every earlier run of the job stays as it is.
-- $1 run  $2 job  $3 ordinal  $4 agent  $5 tenant  $6 session or null  $7 started_at  $8 plan (JSON text)
WITH before AS (UPDATE agent_runs SET superseded = true WHERE job_id = $2 AND NOT superseded)
INSERT INTO agent_runs (run_id, job_id, ordinal, agent, tenant, session, started_at, plan)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::json)
