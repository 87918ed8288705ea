-- How far a job was when it lost a worker: the job's own progress goes on with its next run.

ALTER TABLE job_attempts ADD COLUMN progress TEXT;        -- JSON
