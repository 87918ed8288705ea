-- ask_approval: asks about a step, for whoever holds the job's lease; one that is on record stays, and what is decided
-- is heard. One that ended with its job, which runs again, is asked anew.
-- $1 id  $2 run  $3 thread  $4 seq  $5 tool  $6 input_hash  $7 arguments  $8 timeout in ms  $9 job  $10 run of the lease
-- $11 injected now in ms, or null
-- Returns how it stands; nothing where the lease was taken away.
INSERT INTO approvals AS a (id, run_id, thread, seq, job_id, job_run, tenant, agent, tool, input_hash, arguments,
                            requested_at, expires_at)
SELECT $1, r.run_id, $3, $4, o.id, o.run, r.tenant, r.agent, $5, $6, $7, t.now, t.now + $8
FROM open_jobs o JOIN agent_runs r ON r.job_id = o.id AND r.run_id = $2 AND NOT r.superseded,
     (SELECT coalesce($11::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) t
WHERE o.id = $9 AND o.run = $10
ON CONFLICT (run_id, thread, seq) DO UPDATE SET
    job_run = excluded.job_run, heard = a.decision IN ('approved', 'denied', 'expired'),
    requested_at = CASE WHEN a.decision = 'ended' THEN excluded.requested_at ELSE a.requested_at END,
    expires_at = CASE WHEN a.decision = 'ended' THEN excluded.expires_at ELSE a.expires_at END,
    decided_at = CASE WHEN a.decision = 'ended' THEN NULL ELSE a.decided_at END,
    decision = CASE WHEN a.decision = 'ended' THEN 'pending' ELSE a.decision END
RETURNING *
