-- list_sessions: sessions of all tenants, the newest first.
-- ? older than this id  ? at most
SELECT s.id, s.tenant, s.title, s.busy, s.version, s.last, s.head, s.turn, s.leaf, s.forked_from, s.forked_at, s.created_at,
       s.updated_at, s.archived_at, EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = s.turn) AS turn_open,
       (SELECT j.queue FROM jobs j WHERE j.id = s.turn) AS turn_queue
FROM sessions s WHERE s.id < ? ORDER BY s.id DESC LIMIT ?;
