-- look_calls: how calls stand, for whoever says how they ended; locked until the transaction ends, in order.
-- $1 jobs  $2 runs of the leases  $3 runs of the agents  $4 threads  $5 seqs  $6 attempts
-- Returns the number in the list for each; nothing where no such call was begun.
SELECT i.n, c.outcome, c.provider IS NOT NULL AS paid, c.held_cost, c.held_tokens, c.tenant, c.session, c.day, s.done_by,
       EXISTS (SELECT FROM open_jobs o JOIN agent_runs r ON r.job_id = o.id AND NOT r.superseded
               WHERE o.id = i.job_id AND o.run = i.run AND r.run_id = c.run_id) AND s.run_id IS NOT NULL AS holds
FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::integer[], $5::integer[], $6::integer[])
         WITH ORDINALITY AS i (job_id, run, run_id, thread, seq, attempt, n)
JOIN agent_calls c ON c.run_id = i.run_id AND c.thread = i.thread AND c.seq = i.seq AND c.attempt = i.attempt
                  AND c.job_id = i.job_id
LEFT JOIN agent_steps s ON s.run_id = c.run_id AND s.thread = c.thread AND s.seq = c.seq
ORDER BY c.run_id, c.thread, c.seq, c.attempt
FOR UPDATE OF c
