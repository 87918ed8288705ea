-- ask_cancel: remembers the wish to cancel a running job.
-- ? id
UPDATE open_jobs SET cancel = 1 WHERE id = ?;
