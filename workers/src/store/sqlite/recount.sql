-- recount: counts the jobs of queues whose numbers cannot be. It looks at every unfinished job of such a queue.
UPDATE queues
SET scheduled = (SELECT count(*) FROM open_jobs WHERE queue = name AND state = 0),
    pending = (SELECT count(*) FROM open_jobs WHERE queue = name AND state IN (1, 2, 5)),
    running = (SELECT count(*) FROM open_jobs WHERE queue = name AND state = 3),
    paused_jobs = (SELECT count(*) FROM open_jobs WHERE queue = name AND state = 4)
WHERE min(scheduled, pending, running, paused_jobs) < 0
RETURNING name;
