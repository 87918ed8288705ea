-- lock_leases: keeps unfinished jobs as they are until the transaction ends, in the order of their ids so that two
-- callers cannot wait for each other.
-- $1 jobs  $2 injected now in ms, or null
-- Returns now, and how many there are.
WITH locked AS (SELECT id FROM open_jobs WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE)
SELECT coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now,
       (SELECT count(*) FROM locked) AS locked
