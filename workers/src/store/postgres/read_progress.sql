-- read_progress: the last progress on record of some jobs.
-- $1 job ids
-- Returns those that have any, in no order.
SELECT job_id AS id, progress::text AS progress FROM job_progress WHERE job_id = ANY ($1)
