-- fork_session: opens a session that begins at an entry of another, unless it is there or the entry has no place.
-- ? id  ? tenant  ? title or null  ? busy  ? now  ? now  ? session  ? entry
INSERT INTO sessions (id, tenant, title, busy, last, head, forked_from, forked_at, created_at, updated_at)
SELECT ?, ?, ?, ?, 0, id, session, id, ?, ? FROM session_entries WHERE session = ? AND id = ? AND placed = 1
ON CONFLICT (id) DO NOTHING;
