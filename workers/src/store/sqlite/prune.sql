-- prune: deletes finished jobs with all that is on record about them.
-- seven times: ? jobs.seq of each (JSON)  ? ended at or before
-- Returns nothing; the last statement changes a row for each job. A job that ran again meanwhile stays.
DELETE FROM job_labels WHERE (name, value, id) IN (
    SELECT l.key, l.value, j.id
    FROM (SELECT seq FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?) old
    JOIN jobs j ON j.seq = old.seq, json_each(CASE WHEN json_valid(j.labels) THEN j.labels END) l);
DELETE FROM job_keys WHERE id IN (
    SELECT id FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM job_attempts WHERE seq IN (
    SELECT seq FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM job_output WHERE seq IN (
    SELECT seq FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM job_progress WHERE seq IN (
    SELECT seq FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM jobs WHERE seq IN (
    SELECT seq FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?;
