-- read_approval: one approval as it stands.
-- ? id
SELECT * FROM approvals WHERE id = ?;
