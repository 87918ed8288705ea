-- ask_cancel: remembers the wish to cancel unfinished jobs, whatever becomes of the queue.
-- $1 ids
WITH locked AS (
    SELECT id FROM open_jobs WHERE id = ANY ($1) ORDER BY id FOR UPDATE
), asked AS (
    UPDATE open_jobs o SET cancel = true FROM locked WHERE o.id = locked.id
    RETURNING o.id, o.run, o.ready_at, o.attempts, o.paused IS NOT NULL AS paused, o.cancel
)
SELECT a.*, j.queue, j.priority, j.group_key, j.group_limit
FROM asked a JOIN jobs j ON j.id = a.id
