-- line: the first in a group's line, and how many slots of the group are taken.
-- ? queue  ? group  ? queue  ? group  ? at most
SELECT id, group_limit, taken
FROM open_jobs, (SELECT count(*) AS taken FROM open_jobs WHERE queue = ? AND group_key = ? AND holds = 1)
WHERE queue = ? AND group_key = ? AND state = 1
ORDER BY ready_at, id
LIMIT ?;
