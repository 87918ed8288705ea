-- entries: entries of a session in the order of their numbers.
-- ? session  ? above this number  ? at most
SELECT id, parent, kind, placed, partial, client_id, job, turn, created_at, content FROM session_entries
WHERE session = ? AND id > ? ORDER BY id LIMIT ?;
