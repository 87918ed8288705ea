-- entries: entries of a session in the order of their numbers.
-- $1 session  $2 above this number  $3 at most
SELECT e.id, e.parent, e.kind, e.placed, e.partial, e.client_id, e.job, e.turn, e.created_at, e.content::text AS content
FROM session_entries e WHERE e.session = $1 AND e.id > $2 ORDER BY e.id LIMIT $3
