-- entries: entries of a session in the order of their numbers, until they are too many bytes; the first one in any case.
-- ? session  ? above this number  ? at most  ? bytes after which no more follow  ? session
-- Returns one row without an entry where there is none, so that `archived` is as it was when they were looked for.
WITH page AS (
    SELECT id, sum(bytes) OVER (ORDER BY id) - bytes AS before
    FROM (SELECT id, bytes FROM session_entries WHERE session = ? AND id > ? ORDER BY id LIMIT ?)
)
SELECT s.archived_at IS NOT NULL AS archived, e.id, e.parent, e.kind, e.placed, e.partial, e.client_id, e.job, e.turn,
       e.created_at, e.content
FROM sessions s LEFT JOIN page p ON p.before < ? LEFT JOIN session_entries e ON e.session = s.id AND e.id = p.id
WHERE s.id = ? ORDER BY e.id;
