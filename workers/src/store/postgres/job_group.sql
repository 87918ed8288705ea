-- job_group: the group of a job: that of its session, where it has one.
-- $1 job
SELECT group_key FROM jobs WHERE id = $1
