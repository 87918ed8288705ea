-- admit: makes a job of a group's line ready; it holds a slot from now on.
-- ? id
UPDATE open_jobs SET state = 2, holds = 1 WHERE id = ?;
