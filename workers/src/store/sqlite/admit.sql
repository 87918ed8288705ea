-- admit: gives free slots of a group to the first in its line, none past one whose own limit is reached.
-- ? queue  ? group  ? at most  ? queue  ? group
-- Changes a row for each job that is ready now. The limit is a sum because SQLite plans anew for each value of a bare
-- parameter there.
UPDATE open_jobs SET state = 2, holds = 1
WHERE id IN (
    WITH line AS (
        SELECT id, group_limit, row_number() OVER (ORDER BY ready_at, id) AS place
        FROM (SELECT id, group_limit, ready_at FROM open_jobs
              WHERE queue = ? AND group_key = ? AND state = 1
              ORDER BY ready_at, id LIMIT ? + 0)),
    held AS (SELECT count(*) AS slots FROM open_jobs WHERE queue = ? AND group_key = ? AND holds = 1)
    SELECT id FROM line
    WHERE place < coalesce((SELECT min(place) FROM line, held WHERE slots + place > group_limit), 1000000));
