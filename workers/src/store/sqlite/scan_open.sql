-- scan_open: a page of unfinished jobs by id, with all of them that could be wrong.
-- ? after this id  ? at most
SELECT o.id, o.run, o.state, o.ready_at, o.priority, o.lease_until IS NOT NULL AS leased, o.group_key, o.group_limit,
       o.failure, o.crash, o.handover, o.throttle, o.budget, j.seq IS NOT NULL AS described,
       o.kind IS j.kind AS parked_as_is
FROM open_jobs o LEFT JOIN jobs j ON j.seq = o.seq
WHERE o.id > ? ORDER BY o.id LIMIT ? + 0;
