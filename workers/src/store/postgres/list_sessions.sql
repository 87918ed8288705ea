-- list_sessions: sessions, of one tenant or of all, the newest first. Run unprepared, so that the planner sees which.
-- $1 tenant or null  $2 older than this id  $3 at most
SELECT s.id, s.tenant, s.title, s.busy, s.version, s.last, s.head, s.turn, s.leaf, s.forked_from, s.forked_at, s.created_at,
       s.updated_at, s.archived_at, EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = s.turn) AS turn_open,
       (SELECT j.queue FROM jobs j WHERE j.id = s.turn) AS turn_queue
FROM sessions s WHERE ($1::text IS NULL OR s.tenant = $1) AND s.id < $2 ORDER BY s.id DESC LIMIT $3
