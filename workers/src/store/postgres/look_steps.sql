-- look_steps: what is on record in the places of steps, for whoever holds the leases of their jobs.
-- $1 jobs  $2 runs of the leases  $3 runs of the agents  $4 threads  $5 seqs
-- Returns the number in the list for each; nothing where the lease was taken away, and nulls where nothing is on record.
SELECT i.n, r.agent, r.tenant, r.session, s.kind, s.name, s.input_hash, s.attempt, s.request::text AS request,
       s.response::text AS response, c.cost, c.input, c.cache_read, c.cache_write, c.cache_write_1h, c.output,
       c.reasoning,
       EXISTS (SELECT FROM agent_calls u WHERE u.run_id = s.run_id AND u.thread = s.thread AND u.seq = s.seq
               AND u.outcome IN ('open', 'lost', 'done')) AS unsure
FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::integer[], $5::integer[])
         WITH ORDINALITY AS i (job_id, run, run_id, thread, seq, n)
JOIN open_jobs o ON o.id = i.job_id AND o.run = i.run
JOIN agent_runs r ON r.run_id = i.run_id AND r.job_id = i.job_id AND NOT r.superseded
LEFT JOIN agent_steps s ON s.run_id = i.run_id AND s.thread = i.thread AND s.seq = i.seq
LEFT JOIN agent_calls c ON c.run_id = s.run_id AND c.thread = s.thread AND c.seq = s.seq AND c.attempt = s.done_by
