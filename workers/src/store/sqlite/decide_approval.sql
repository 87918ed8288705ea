-- decide_approval: decides what nobody has decided.
-- ? decision  ? who said so, or null  ? why, or null  ? now  ? id
UPDATE approvals SET decision = ?, said_by = ?, reason = ?, decided_at = ? WHERE id = ? AND decision = 'pending';
