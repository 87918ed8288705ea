-- delete_session: deletes a session with its entries.
-- $1 id
-- Changes a row where it was there.
WITH entries AS (DELETE FROM session_entries WHERE session = $1)
DELETE FROM sessions WHERE id = $1
