-- branch: entries from one back to the root, the newest first, as many as fit; the first one in any case.
-- ? from or null for the head  ? session  ? session  ? session  ? at most  ? bytes at most  ? session
-- Returns one row without an entry where there is none, so that `archived` is as it was when they were looked for.
WITH RECURSIVE chain (id, parent, total, n) AS (
    SELECT id, parent, bytes, 1 FROM session_entries
    WHERE id = coalesce(?, (SELECT head FROM sessions WHERE id = ?)) AND session = ?
    UNION ALL
    SELECT e.id, e.parent, c.total + e.bytes, c.n + 1
    FROM chain c JOIN session_entries e ON e.session = ? AND e.id = c.parent
    WHERE c.n < ? AND c.total + e.bytes <= ?
)
SELECT s.archived_at IS NOT NULL AS archived, e.id, e.parent, e.kind, e.placed, e.partial, e.client_id, e.job, e.turn,
       e.created_at, e.content
FROM sessions s LEFT JOIN chain c ON 1 LEFT JOIN session_entries e ON e.session = s.id AND e.id = c.id
WHERE s.id = ? ORDER BY c.n;
