-- fork_entries: copies the branch up to an entry, with its numbers.
-- ? session  ? entry  ? session  ? the new session  ? session  ? the new session  ? the new session
INSERT INTO session_entries (session, id, parent, kind, placed, partial, job, bytes, created_at, content)
WITH RECURSIVE chain (id, parent) AS (
    SELECT id, parent FROM session_entries WHERE session = ? AND id = ?
    UNION ALL
    SELECT e.id, e.parent FROM chain c JOIN session_entries e ON e.session = ? AND e.id = c.parent
)
SELECT ?, e.id, e.parent, e.kind, 1, e.partial, e.job, e.bytes, e.created_at, e.content
FROM chain c JOIN session_entries e ON e.session = ? AND e.id = c.id;
UPDATE sessions SET last = (SELECT max(id) FROM session_entries WHERE session = ?) WHERE id = ?;
