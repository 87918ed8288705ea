-- insert_jobs: puts accepted jobs on record as unfinished, all or none.
-- $1 ids  $2 kinds  $3 queues  $4 tenants  $5 priorities  $6 group keys  $7 group limits  $8 run_at (ms) or null
-- $9 max_attempts  $10 timeout_ms  $11 backoff base_ms  $12 backoff cap_ms  $13 traces  $14 labels  $15 payloads
-- $16 injected now in ms, or null
WITH clock AS (
    SELECT coalesce($16::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now
), opened AS (
    INSERT INTO open_jobs (id, run, ready_at)
    SELECT i.id, 0, greatest(i.run_at, c.now)
    FROM unnest($1::uuid[], $8::bigint[]) AS i (id, run_at), clock c
)
INSERT INTO jobs (id, kind, queue, tenant, priority, group_key, group_limit, created_at, max_attempts, timeout_ms,
                  backoff, trace, labels, payload)
SELECT i.id, i.kind, i.queue, i.tenant, i.priority, i.group_key, i.group_limit, c.now, i.max_attempts, i.timeout_ms,
       ARRAY[i.base_ms, i.cap_ms], i.trace, i.labels::jsonb, i.payload::jsonb
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::smallint[], $9::integer[],
            $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[])
         AS i (id, kind, queue, tenant, priority, group_key, group_limit, max_attempts, timeout_ms, base_ms, cap_ms,
               trace, labels, payload), clock c
