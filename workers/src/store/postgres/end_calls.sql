-- end_calls: puts the ends of calls into the ledger, and the results of steps on record, the first ones only.
-- $1 runs  $2 threads  $3 seqs  $4 attempts  $5 outcomes  $6 errors or null  $7 input  $8 cache_read  $9 cache_write
-- $10 cache_write_1h  $11 output  $12 reasoning  $13 costs or null  $14 request_ids or null
-- $15 responses (JSON text), or null where the step is not done by it  $16 now
WITH steps AS (
    UPDATE agent_steps s SET response = i.response::json, finished_at = $16, done_by = i.attempt
    FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $15::text[])
             AS i (run_id, thread, seq, attempt, response)
    WHERE s.run_id = i.run_id AND s.thread = i.thread AND s.seq = i.seq AND s.done_by IS NULL AND i.response IS NOT NULL
)
UPDATE agent_calls c
SET outcome = i.outcome, error = i.error, input = i.input, cache_read = i.cache_read, cache_write = i.cache_write,
    cache_write_1h = i.cache_write_1h, output = i.output, reasoning = i.reasoning, cost = i.cost,
    request_id = i.request_id, finished_at = $16
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[])
         AS i (run_id, thread, seq, attempt, outcome, error, input, cache_read, cache_write, cache_write_1h, output,
               reasoning, cost, request_id)
WHERE c.run_id = i.run_id AND c.thread = i.thread AND c.seq = i.seq AND c.attempt = i.attempt
