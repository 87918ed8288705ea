-- raw_insert: many rows of jobs in one statement, and nothing else of what accepting them takes.
-- $1 ids  $2 payloads (JSON text)
INSERT INTO flotilla_bench_raw (id, kind, queue, tenant, priority, created_at, max_attempts, timeout_ms, backoff, payload)
SELECT i.id, 'raw', 'raw', 'default', 5, 0, 3, 0, ARRAY[0, 0]::bigint[], i.payload::jsonb
FROM unnest($1::uuid[], $2::text[]) AS i (id, payload)
