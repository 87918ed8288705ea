-- queues: every queue ever used, and since when its longest-waiting pending job is ready.
SELECT q.name, q.paused <> 0 AS paused, q.cap, q.scheduled, q.pending, q.running, q.paused_jobs,
       (SELECT min(at) FROM (
            SELECT (SELECT min(ready_at) FROM open_jobs
                    WHERE queue = q.name AND state = 2 AND priority = p.column1) AS at
            FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) p
            UNION ALL
            -- Whoever lines up has somebody in front: the first of each group that holds a slot.
            SELECT min((SELECT ready_at FROM open_jobs WHERE queue = g.queue AND group_key = g.name AND state = 1
                        ORDER BY ready_at, id LIMIT 1)) FROM open_groups g WHERE g.queue = q.name)) AS oldest
FROM queues q ORDER BY q.name;
