-- begin_calls: puts the beginnings of calls on record; what refused an earlier run of their jobs is forgotten.
-- $1 runs  $2 threads  $3 seqs  $4 kinds  $5 names  $6 input_hashes  $7 attempts  $8 requests (JSON text) or null
-- $9 jobs  $10 runs of the leases  $11 agents  $12 tenants  $13 sessions or null  $14 providers or null
-- $15 models or null  $16 prices (JSON text) or null  $17 held_cost  $18 held_tokens  $19 estimated_input
-- $20 day  $21 now  $22 saved or null
WITH steps AS (
    INSERT INTO agent_steps (run_id, thread, seq, kind, name, input_hash, attempt, started_at, request)
    SELECT i.run_id, i.thread, i.seq, i.kind, i.name, i.input_hash, i.attempt, $21, i.request::json
    FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::bytea[], $7::integer[],
                $8::text[]) AS i (run_id, thread, seq, kind, name, input_hash, attempt, request)
    ON CONFLICT (run_id, thread, seq) DO UPDATE SET attempt = excluded.attempt
), gone AS (
    DELETE FROM budget_refusals f USING unnest($9::uuid[], $10::integer[]) AS i (job_id, run)
    WHERE f.job_id = i.job_id AND f.job_run <> i.run
)
INSERT INTO agent_calls (run_id, thread, seq, attempt, job_id, job_run, agent, tenant, session, provider, model, price,
                         held_cost, held_tokens, estimated_input, saved, outcome, day, started_at)
SELECT i.run_id, i.thread, i.seq, i.attempt, i.job_id, i.job_run, i.agent, i.tenant, i.session, i.provider, i.model,
       i.price::json, i.held_cost, i.held_tokens, i.estimated_input, i.saved, 'open', $20, $21
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $7::integer[], $9::uuid[], $10::integer[], $11::text[],
            $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bigint[], $18::bigint[],
            $19::bigint[], $22::bigint[])
         AS i (run_id, thread, seq, attempt, job_id, job_run, agent, tenant, session, provider, model, price, held_cost,
               held_tokens, estimated_input, saved)
