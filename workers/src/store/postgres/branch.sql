-- branch: entries from one back to the root, the newest first, as many as fit; the first one in any case.
-- $1 session  $2 from, or null for the head  $3 at most  $4 bytes at most
-- Returns one row without an entry where there is none, so that `archived` is as it was when they were looked for.
WITH RECURSIVE chain (id, parent, total, n) AS (
    SELECT id, parent, bytes, 1 FROM session_entries
    WHERE id = coalesce($2::bigint, (SELECT head FROM sessions WHERE id = $1)) AND session = $1
    UNION ALL
    SELECT e.id, e.parent, c.total + e.bytes, c.n + 1
    FROM chain c JOIN session_entries e ON e.session = $1 AND e.id = c.parent
    WHERE c.n < $3 AND c.total + e.bytes <= $4
)
SELECT s.archived_at IS NOT NULL AS archived, e.id, e.parent, e.kind, e.placed, e.partial, e.client_id, e.job, e.turn,
       e.created_at, e.content::text AS content
FROM sessions s LEFT JOIN chain c ON true LEFT JOIN session_entries e ON e.session = s.id AND e.id = c.id
WHERE s.id = $1 ORDER BY c.n
