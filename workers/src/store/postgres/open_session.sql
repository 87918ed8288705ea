-- open_session: opens a session, unless it is there.
-- $1 id  $2 tenant  $3 title or null  $4 busy  $5 injected now in ms, or null
INSERT INTO sessions (id, tenant, title, busy, created_at, updated_at)
SELECT $1, $2, $3, $4, c.now, c.now
FROM (SELECT coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) c
ON CONFLICT (id) DO NOTHING
