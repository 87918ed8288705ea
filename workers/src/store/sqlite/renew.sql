-- renew: extends a lease.
-- ? lease_until  ? id  ? run
-- Returns whether someone asked for the job to be cancelled; nothing where the lease was taken away.
UPDATE open_jobs SET lease_until = ? WHERE id = ? AND run = ? AND state = 3 RETURNING cancel <> 0 AS cancel;
