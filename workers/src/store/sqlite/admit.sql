-- admit: gives free slots of groups to the first in their lines.
-- ? queue  ? ["slots taken more than on record:group", …] (JSON)  ? queue  ? queue  ? most places of a line
-- A place is looked at where all in front of it fit, so nobody overtakes one that does not fit by its own limit.
-- Returns the group of each job that now has a slot.
WITH RECURSIVE
look (name, taken) AS (
    SELECT name, more + coalesce((SELECT active FROM open_groups g WHERE g.queue = ? AND g.name = asked.name), 0)
    FROM (SELECT CAST(value AS INTEGER) AS more, substr(value, instr(value, ':') + 1) AS name FROM json_each(?)) asked
),
fit (name, taken, places, ready_at, id) AS (
    SELECT look.name, look.taken, 1, o.ready_at, o.id
    FROM look CROSS JOIN open_jobs o
    WHERE o.id = (SELECT id FROM open_jobs WHERE queue = ? AND group_key = look.name AND state = 1
                  ORDER BY ready_at, id LIMIT 1)
      AND o.group_limit > look.taken
    UNION ALL
    SELECT fit.name, fit.taken, fit.places + 1, o.ready_at, o.id
    FROM fit CROSS JOIN open_jobs o
    WHERE o.id = (SELECT id FROM open_jobs WHERE queue = ? AND group_key = fit.name AND state = 1
                    AND (ready_at, id) > (fit.ready_at, fit.id)
                  ORDER BY ready_at, id LIMIT 1)
      AND o.group_limit > fit.taken + fit.places
      AND fit.places < ?
)
UPDATE open_jobs SET state = 2, holds = 1
WHERE id IN (SELECT id FROM fit)
RETURNING group_key;
