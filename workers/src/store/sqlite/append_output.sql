-- append_output: appends a live event of a job.
-- ? seq  ? number  ? now  ? event (JSON)
INSERT INTO job_output (seq, n, at, event) VALUES (?, ?, ?, ?);
