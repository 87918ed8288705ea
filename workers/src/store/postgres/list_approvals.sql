-- list_approvals: approvals, the newest first.
-- $1 before this id  $2 state, or null  $3 job, or null  $4 at most
SELECT * FROM approvals
WHERE id < $1 AND ($2::text IS NULL OR decision = $2) AND ($3::uuid IS NULL OR job_id = $3)
ORDER BY id DESC LIMIT $4
