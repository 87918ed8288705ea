-- find_client: the message that has this name in its session.
-- ? session  ? client_id
SELECT id, job FROM session_entries WHERE session = ? AND client_id = ?;
