-- find_open: a job on record, and where it is while it is unfinished.
-- ? id
-- Returns nothing where the id is not on record; `state` and `run` are null for a job that has its result.
SELECT o.state, o.run FROM jobs j LEFT JOIN open_jobs o ON o.id = j.id WHERE j.id = ?;
