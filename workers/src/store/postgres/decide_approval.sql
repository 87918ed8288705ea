-- decide_approval: decides what nobody has decided.
-- $1 id  $2 decision  $3 who said so, or null  $4 why, or null  $5 injected now in ms, or null
UPDATE approvals SET decision = $2, said_by = $3, reason = $4,
       decided_at = coalesce($5::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
WHERE id = $1 AND decision = 'pending'
