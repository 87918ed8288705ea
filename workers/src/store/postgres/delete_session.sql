-- delete_session: deletes a session with its entries; its objects are to be removed.
-- $1 id
-- Changes a row where it was there.
WITH entries AS (DELETE FROM session_entries WHERE session = $1),
     objects AS (UPDATE session_objects SET state = 'doomed' WHERE session = $1)
DELETE FROM sessions WHERE id = $1
