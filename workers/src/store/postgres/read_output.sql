-- read_output: live events of a job above a number, in order.
-- $1 job id  $2 above this number  $3 at most
SELECT seq, at, event::text AS event FROM job_output WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
