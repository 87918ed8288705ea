-- first_in_line: the jobs at one place of their groups' lines for whom a slot is left.
-- ? ["slots taken more than on record and in front:group", …] (JSON)
-- ? queue  ? place in the line from 0  ? queue
-- Returns the indexes in that list of groups where one is, and the jobs' ids.
SELECT look.key AS look, o.id
FROM (SELECT key, CAST(value AS INTEGER) AS more, substr(value, instr(value, ':') + 1) AS name
      FROM json_each(?)) look
CROSS JOIN open_jobs o
WHERE o.id = (SELECT id FROM open_jobs WHERE queue = ? AND group_key = look.name AND state = 1
              ORDER BY ready_at, id LIMIT 1 OFFSET ? + 0)
  AND o.group_limit > look.more + coalesce((SELECT active FROM open_groups WHERE queue = ? AND name = look.name), 0)
ORDER BY look.key;
