-- look_call: how a call stands, for whoever says how it ended.
-- ? job  ? run of the lease  ? run of the agent  ? thread  ? seq  ? attempt  ? job
-- Returns nothing where no such call was begun.
SELECT c.outcome, c.provider IS NOT NULL AS paid, c.held_cost, c.held_tokens, c.tenant, c.session, c.day, s.done_by,
       EXISTS (SELECT 1 FROM open_jobs o JOIN agent_runs r ON r.job_id = o.id AND r.superseded = 0
               WHERE o.id = ? AND o.run = ? AND r.run_id = c.run_id AND s.run_id IS NOT NULL) AS holds
FROM agent_calls c
LEFT JOIN agent_steps s ON s.run_id = c.run_id AND s.thread = c.thread AND s.seq = c.seq
WHERE c.run_id = ? AND c.thread = ? AND c.seq = ? AND c.attempt = ? AND c.job_id = ?;
