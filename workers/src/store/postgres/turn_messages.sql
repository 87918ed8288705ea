-- turn_messages: messages that a turn took up, in order.
-- $1 turn  $2 session  $3 above this number
SELECT e.id, e.parent, e.kind, e.placed, e.partial, e.client_id, e.job, e.turn, e.created_at, e.content::text AS content
FROM session_entries e WHERE e.turn = $1 AND e.session = $2 AND e.kind = 'user' AND e.id > $3 ORDER BY e.id
