-- list: jobs among `x` that match, newest first; the text in front of it says what `x` is: ids in that order.
-- ?1 kind  ?2 queue  ?3 tenant  ?4 labels (JSON)  ?5 created at or after (ms)  ?6 created before (ms)
-- ?7 state by name  ?8 and ?9 `open_jobs.state`, from and to; parked counts as ready  ?10 older than this id  ?11 at most
-- ?12 one label's name  ?13 and its value  ?14 just this id, with payload and output
SELECT j.seq, j.id, j.kind, j.queue, j.tenant, j.priority, j.group_key, j.created_at, j.max_attempts, j.labels,
       CASE WHEN ?14 IS NOT NULL THEN j.payload END AS payload,
       o.state AS place, o.ready_at, o.paused, coalesce(o.cancel, 0) <> 0 AS cancel,
       coalesce(o.failure, r.failure, 0) AS failure, coalesce(o.crash, r.crash, 0) AS crash,
       coalesce(o.handover, r.handover, 0) AS handover, coalesce(o.throttle, r.throttle, 0) AS throttle,
       coalesce(o.budget, r.budget, 0) AS budget,
       r.state, r.started_at, r.finished_at, CASE WHEN ?14 IS NOT NULL THEN r.output END AS output,
       coalesce(r.error, (SELECT a.error FROM job_attempts a WHERE a.seq = j.seq AND a.error IS NOT NULL
                          ORDER BY a.run DESC LIMIT 1)) AS error,
       p.progress
FROM x
CROSS JOIN jobs j ON j.seq = x.seq
LEFT JOIN open_jobs o ON o.id = j.id
LEFT JOIN job_results r ON r.seq = j.seq
LEFT JOIN job_progress p ON p.seq = j.seq
WHERE (?1 IS NULL OR j.kind = ?1)
  AND (?2 IS NULL OR j.queue = ?2)
  AND (?3 IS NULL OR j.tenant = ?3)
  AND (?4 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?4) w WHERE NOT EXISTS (
        SELECT 1 FROM job_labels l WHERE l.name = w.key AND l.value = w.value AND l.id = j.id)))
  AND (?5 IS NULL OR j.created_at >= ?5)
  AND (?6 IS NULL OR j.created_at < ?6)
  AND (?7 IS NULL OR r.state = ?7 OR CASE o.state WHEN 5 THEN 2 ELSE o.state END BETWEEN ?8 AND ?9)
ORDER BY x.id DESC
LIMIT ?11;
