-- read_progress: the last progress on record of a job.
-- ? id
SELECT p.progress FROM jobs j JOIN job_progress p ON p.seq = j.seq WHERE j.id = ?;
