-- delete_session: deletes a session with its entries.
-- ? id  ? id
-- Returns nothing; the last statement changes a row where it was there.
DELETE FROM session_entries WHERE session = ?;
DELETE FROM sessions WHERE id = ?;
