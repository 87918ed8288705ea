-- admit: gives a slot of a group to the first in its line, unless its limit is reached: nobody overtakes it then.
-- ? queue  ? group  ? queue  ? group  ? queue  ? group  ? queue  ? group
-- Returns whether it did, and whether the next one fits too.
UPDATE open_jobs SET state = 2, holds = 1
WHERE id = (
    SELECT CASE WHEN group_limit > (
               SELECT count(*) FROM open_jobs WHERE queue = ? AND group_key = ? AND holds = 1) THEN id END
    FROM open_jobs WHERE queue = ? AND group_key = ? AND state = 1 ORDER BY ready_at, id LIMIT 1);
SELECT changes() AS admitted, changes() > 0 AND coalesce((
    SELECT group_limit > (SELECT count(*) FROM open_jobs WHERE queue = ? AND group_key = ? AND holds = 1)
    FROM open_jobs WHERE queue = ? AND group_key = ? AND state = 1 ORDER BY ready_at, id LIMIT 1), 0) AS more;
