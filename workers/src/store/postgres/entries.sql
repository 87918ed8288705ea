-- entries: entries of a session in the order of their numbers, until they are too many bytes; the first one in any case.
-- $1 session  $2 above this number  $3 at most  $4 bytes after which no more follow
-- Returns one row without an entry where there is none, so that `archived` is as it was when they were looked for.
WITH page AS (
    SELECT id, sum(bytes) OVER (ORDER BY id) - bytes AS before
    FROM (SELECT id, bytes FROM session_entries WHERE session = $1 AND id > $2 ORDER BY id LIMIT $3) numbers
)
SELECT s.archived_at IS NOT NULL AS archived, e.id, e.parent, e.kind, e.placed, e.partial, e.client_id, e.job, e.turn,
       e.created_at, e.content::text AS content
FROM sessions s LEFT JOIN page p ON p.before < $4 LEFT JOIN session_entries e ON e.session = s.id AND e.id = p.id
WHERE s.id = $1 ORDER BY e.id
