-- give_up_keys: frees the keys of jobs that were not accepted after all.
-- $1 job ids
DELETE FROM job_keys WHERE job_id = ANY ($1)
