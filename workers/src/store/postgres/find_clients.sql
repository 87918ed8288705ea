-- find_clients: messages that have these names in their sessions.
-- $1 sessions  $2 client_ids
SELECT e.session, e.client_id, e.id, e.job
FROM unnest($1::uuid[], $2::text[]) AS i (session, client_id)
JOIN session_entries e ON e.session = i.session AND e.client_id = i.client_id
