-- look_step: what is on record in the place of a step, for whoever holds the lease of its job.
-- ? thread  ? seq  ? job  ? run of the lease  ? run of the agent
-- Returns nothing where the lease was taken away, and nulls where nothing is on record.
SELECT r.agent, r.tenant, r.session, s.kind, s.name, s.input_hash, s.attempt, s.request, s.response,
       c.cost, c.input, c.cache_read, c.cache_write, c.cache_write_1h, c.output, c.reasoning,
       EXISTS (SELECT 1 FROM agent_calls u WHERE u.run_id = s.run_id AND u.thread = s.thread AND u.seq = s.seq
               AND u.outcome IN ('open', 'lost', 'done')) AS unsure
FROM open_jobs o
JOIN agent_runs r ON r.job_id = o.id AND r.superseded = 0
LEFT JOIN agent_steps s ON s.run_id = r.run_id AND s.thread = ? AND s.seq = ?
LEFT JOIN agent_calls c ON c.run_id = s.run_id AND c.thread = s.thread AND c.seq = s.seq AND c.attempt = s.done_by
WHERE o.id = ? AND o.run = ? AND r.run_id = ?;
