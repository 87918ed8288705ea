-- on_record: which of these ids are jobs.
-- $1 ids
SELECT id FROM jobs WHERE id = ANY ($1)
