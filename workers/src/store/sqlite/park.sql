-- park: leaves a job that was just claimed to a worker that knows its kind.
-- ? kind  ? id
UPDATE open_jobs SET state = 5, kind = ?, worker = NULL, lease_until = NULL, started_at = NULL WHERE id = ?;
