-- fork_session: opens a session that begins at an entry of another, unless it is there or the entry has no place.
-- $1 id  $2 tenant  $3 title or null  $4 busy  $5 session  $6 entry  $7 injected now in ms, or null
INSERT INTO sessions (id, tenant, title, busy, head, forked_from, forked_at, created_at, updated_at)
SELECT $1, $2, $3, $4, e.id, e.session, e.id, c.now, c.now
FROM session_entries e,
     (SELECT coalesce($7::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) c
WHERE e.session = $5 AND e.id = $6 AND e.placed
ON CONFLICT (id) DO NOTHING
