-- prune: deletes finished jobs with all that is on record about them.
-- thirteen times: ? jobs.seq of each (JSON)  ? ended at or before
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
DELETE FROM agent_steps WHERE run_id IN (
    SELECT r.run_id FROM job_results o JOIN agent_runs r ON r.job_id = o.id
    WHERE o.seq IN (SELECT value FROM json_each(?)) AND o.finished_at <= ?);
-- What was paid stays.
DELETE FROM agent_calls WHERE provider IS NULL AND run_id IN (
    SELECT r.run_id FROM job_results o JOIN agent_runs r ON r.job_id = o.id
    WHERE o.seq IN (SELECT value FROM json_each(?)) AND o.finished_at <= ?);
DELETE FROM agent_runs WHERE job_id IN (
    SELECT id FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM approvals WHERE job_id IN (
    SELECT id FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM budgets WHERE scope IN (
    SELECT 'job:' || lower(hex(id)) FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM budget_refusals WHERE job_id IN (
    SELECT id FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM jobs WHERE seq IN (
    SELECT seq FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?);
DELETE FROM job_results WHERE seq IN (SELECT value FROM json_each(?)) AND finished_at <= ?;
