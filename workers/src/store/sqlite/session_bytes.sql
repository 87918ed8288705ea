-- session_bytes: how many bytes of content a session has.
-- ? session
SELECT coalesce(sum(bytes), 0) AS bytes FROM session_entries WHERE session = ?;
