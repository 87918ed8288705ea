-- begin_call: puts the beginning of a call on record; what refused an earlier run of its job is forgotten.
-- ? run  ? thread  ? seq  ? kind  ? name  ? input_hash  ? attempt  ? now  ? request (JSON) or null
-- ? run  ? thread  ? seq  ? attempt  ? job  ? run of the lease  ? agent  ? tenant  ? session or null
-- ? provider or null  ? model or null  ? price (JSON) or null  ? held_cost  ? held_tokens  ? estimated_input
-- ? saved or null  ? day  ? now  ? job  ? run of the lease
INSERT INTO agent_steps (run_id, thread, seq, kind, name, input_hash, attempt, started_at, request)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run_id, thread, seq) DO UPDATE SET attempt = excluded.attempt;
INSERT INTO agent_calls (run_id, thread, seq, attempt, job_id, job_run, agent, tenant, session, provider, model, price,
                         held_cost, held_tokens, estimated_input, saved, outcome, day, started_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?);
DELETE FROM budget_refusals WHERE job_id = ? AND job_run <> ?;
