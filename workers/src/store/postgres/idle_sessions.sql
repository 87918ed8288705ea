-- idle_sessions: sessions that are not archived, in the order of their ids, and whether each is idle and has entries.
-- $1 after this id  $2 at most  $3 idle for so many ms  $4 injected now in ms, or null
SELECT s.id, s.last > 0 AND greatest(s.updated_at, coalesce(s.restored_at, 0)) <= c.now - $3::bigint AS idle
FROM sessions s,
     (SELECT coalesce($4::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) c
WHERE s.archived_at IS NULL AND s.id > $1 ORDER BY s.id LIMIT $2
