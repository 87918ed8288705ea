-- raw_insert: many rows in one statement.
-- $1 ids  $2 payloads (JSON text)
INSERT INTO flotilla_bench_raw (id, payload) SELECT i.id, i.payload::jsonb FROM unnest($1::uuid[], $2::text[]) AS i (id, payload)
