-- read_approval: one approval as it stands.
-- $1 id
SELECT * FROM approvals WHERE id = $1
