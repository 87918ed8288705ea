-- prune: deletes finished jobs with all that is on record about them.
-- seven times: ? ended at or before  ? at most
-- Returns nothing; the last statement changes a row for each job.
DELETE FROM job_labels WHERE (name, value, id) IN (
    SELECT l.key, l.value, j.id
    FROM (SELECT seq FROM job_results WHERE finished_at <= ? ORDER BY finished_at, seq LIMIT ?) old
    JOIN jobs j ON j.seq = old.seq, json_each(CASE WHEN json_valid(j.labels) THEN j.labels END) l);
DELETE FROM job_keys WHERE id IN (
    SELECT id FROM job_results WHERE finished_at <= ? ORDER BY finished_at, seq LIMIT ?);
DELETE FROM job_attempts WHERE seq IN (
    SELECT seq FROM job_results WHERE finished_at <= ? ORDER BY finished_at, seq LIMIT ?);
DELETE FROM job_output WHERE seq IN (
    SELECT seq FROM job_results WHERE finished_at <= ? ORDER BY finished_at, seq LIMIT ?);
DELETE FROM job_progress WHERE seq IN (
    SELECT seq FROM job_results WHERE finished_at <= ? ORDER BY finished_at, seq LIMIT ?);
DELETE FROM jobs WHERE seq IN (
    SELECT seq FROM job_results WHERE finished_at <= ? ORDER BY finished_at, seq LIMIT ?);
DELETE FROM job_results WHERE seq IN (
    SELECT seq FROM job_results WHERE finished_at <= ? ORDER BY finished_at, seq LIMIT ?);
