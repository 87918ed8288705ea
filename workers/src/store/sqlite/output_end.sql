-- output_end: the number of the last live event of a job, if this run of it is the one that counts.
-- ? id  ? run
SELECT seq, coalesce((SELECT max(n) FROM job_output p WHERE p.seq = o.seq), 0) AS last
FROM open_jobs o WHERE id = ? AND run = ? AND state = 3;
