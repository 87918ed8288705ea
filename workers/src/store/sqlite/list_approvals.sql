-- list_approvals: approvals, the newest first.
-- ? before this id  ? state, or null  ? the same  ? job, or null  ? the same  ? at most
SELECT * FROM approvals
WHERE id < ? AND (? IS NULL OR decision = ?) AND (? IS NULL OR job_id = ?)
ORDER BY id DESC LIMIT ? + 0;
