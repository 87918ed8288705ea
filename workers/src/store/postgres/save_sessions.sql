-- save_sessions: writes down where sessions stand.
-- $1 ids  $2 lasts  $3 heads  $4 turns  $5 leaves  $6 now
UPDATE sessions s
SET last = i.last, head = i.head, turn = i.turn, leaf = i.leaf, updated_at = $6, version = s.version + 1
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::bigint[]) AS i (id, last, head, turn, leaf)
WHERE s.id = i.id
