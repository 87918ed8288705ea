-- fork_entries: copies the branch up to an entry, with its numbers.
-- $1 the new session  $2 session  $3 entry
WITH RECURSIVE chain (id, parent) AS (
    SELECT id, parent FROM session_entries WHERE session = $2 AND id = $3
    UNION ALL
    SELECT e.id, e.parent FROM chain c JOIN session_entries e ON e.session = $2 AND e.id = c.parent
), copied AS (
    INSERT INTO session_entries (session, id, parent, kind, placed, partial, job, bytes, created_at, content)
    SELECT $1, e.id, e.parent, e.kind, true, e.partial, e.job, e.bytes, e.created_at, e.content
    FROM chain c JOIN session_entries e ON e.session = $2 AND e.id = c.id
    RETURNING id
)
UPDATE sessions SET last = (SELECT max(id) FROM copied) WHERE id = $1
