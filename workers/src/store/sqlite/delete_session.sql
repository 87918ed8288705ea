-- delete_session: deletes a session with its entries; its objects are to be removed.
-- ? id  ? id  ? id
-- Returns nothing; the last statement changes a row where it was there.
UPDATE session_objects SET state = 'doomed' WHERE session = ?;
DELETE FROM session_entries WHERE session = ?;
DELETE FROM sessions WHERE id = ?;
