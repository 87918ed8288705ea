-- ask_approval: asks about a step, for whoever holds the job's lease; one that is on record stays, and what is decided
-- is heard. One that ended with its job, which runs again, is asked anew.
-- ? id  ? thread  ? seq  ? tool  ? input_hash  ? arguments  ? now  ? expires_at  ? run  ? job  ? run of the lease
-- ? run  ? thread  ? seq  ? job  ? run of the lease
-- Returns how it stands; nothing where the lease was taken away.
INSERT INTO approvals (id, run_id, thread, seq, job_id, job_run, tenant, agent, tool, input_hash, arguments,
                       requested_at, expires_at)
SELECT ?, r.run_id, ?, ?, o.id, o.run, r.tenant, r.agent, ?, ?, ?, ?, ?
FROM open_jobs o JOIN agent_runs r ON r.job_id = o.id AND r.run_id = ? AND r.superseded = 0
WHERE o.id = ? AND o.run = ?
ON CONFLICT (run_id, thread, seq) DO UPDATE SET
    job_run = excluded.job_run, heard = decision IN ('approved', 'denied', 'expired'),
    requested_at = CASE WHEN decision = 'ended' THEN excluded.requested_at ELSE requested_at END,
    expires_at = CASE WHEN decision = 'ended' THEN excluded.expires_at ELSE expires_at END,
    decided_at = CASE WHEN decision = 'ended' THEN NULL ELSE decided_at END,
    decision = CASE WHEN decision = 'ended' THEN 'pending' ELSE decision END;
SELECT a.* FROM approvals a JOIN open_jobs o ON o.id = a.job_id
WHERE a.run_id = ? AND a.thread = ? AND a.seq = ? AND o.id = ? AND o.run = ?;
