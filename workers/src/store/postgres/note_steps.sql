-- note_steps: puts steps on record that needed no call; one that is done stays.
-- $1 runs  $2 threads  $3 seqs  $4 kinds  $5 names  $6 input_hashes  $7 requests (JSON text) or null
-- $8 responses (JSON text)  $9 now
INSERT INTO agent_steps AS s (run_id, thread, seq, kind, name, input_hash, attempt, done_by, started_at, finished_at,
                              request, response)
SELECT i.run_id, i.thread, i.seq, i.kind, i.name, i.input_hash, 0, 0, $9, $9, i.request::json, i.response::json
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[])
         AS i (run_id, thread, seq, kind, name, input_hash, request, response)
ON CONFLICT (run_id, thread, seq) DO UPDATE
SET response = excluded.response, finished_at = excluded.finished_at, done_by = 0 WHERE s.done_by IS NULL
