-- place_entry: gives a message its place in the tree.
-- ? parent or null  ? turn  ? session  ? id
UPDATE session_entries SET placed = 1, parent = ?, turn = ? WHERE session = ? AND id = ?;
