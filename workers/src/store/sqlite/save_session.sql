-- save_session: writes down where a session stands.
-- ? last  ? head  ? turn  ? leaf  ? now  ? id
UPDATE sessions SET last = ?, head = ?, turn = ?, leaf = ?, updated_at = ?, version = version + 1 WHERE id = ?;
