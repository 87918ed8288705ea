-- lock_sessions: keeps sessions as they are until the transaction ends, in the order of their ids so that two callers
-- cannot wait for each other. Whoever locks jobs too does so after it.
-- $1 ids  $2 injected now in ms, or null
-- Returns now, and how many there are.
WITH locked AS (SELECT id FROM sessions WHERE id = ANY ($1) ORDER BY id FOR UPDATE)
SELECT coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now,
       (SELECT count(*) FROM locked) AS locked
