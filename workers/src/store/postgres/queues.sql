-- queues: every queue ever used, and how many paused jobs each holds.
SELECT q.name, q.paused, q.cap, coalesce(p.n, 0) AS paused_jobs
FROM queues q
LEFT JOIN (SELECT j.queue, count(*) AS n FROM open_jobs o JOIN jobs j ON j.id = o.id
           WHERE o.paused IS NOT NULL GROUP BY j.queue) p ON p.queue = q.name
ORDER BY q.name
