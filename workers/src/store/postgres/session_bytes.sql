-- session_bytes: how many bytes of content a session has.
-- $1 session
SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM session_entries WHERE session = $1
