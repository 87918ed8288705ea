-- recount_groups: counts the slots of every group; it looks at every unfinished job.
-- Returns the groups in whose lines jobs wait.
DELETE FROM open_groups;
INSERT INTO open_groups SELECT queue, group_key, count(*) FROM open_jobs
WHERE holds = 1 AND group_key IS NOT NULL GROUP BY queue, group_key;
SELECT DISTINCT queue, group_key FROM open_jobs WHERE state = 1 AND group_key IS NOT NULL;
