-- now: the time of this server, in ms.
-- $1 injected now in ms, or null
SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now
