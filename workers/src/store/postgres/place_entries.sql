-- place_entries: gives messages their places in the tree.
-- $1 session  $2 turn  $3 ids  $4 parents or null
UPDATE session_entries e SET placed = true, parent = i.parent, turn = $2
FROM unnest($3::bigint[], $4::bigint[]) AS i (id, parent)
WHERE e.session = $1 AND e.id = i.id
