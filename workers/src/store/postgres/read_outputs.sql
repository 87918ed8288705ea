-- read_outputs: live events of jobs, of each above a number, in order.
-- $1 job ids, each once  $2 above these numbers  $3 at most of each
SELECT i.id, e.seq, e.at, e.event
FROM unnest($1::uuid[], $2::bigint[]) AS i (id, after)
CROSS JOIN LATERAL (SELECT o.seq, o.at, o.event::text AS event FROM job_output o
                    WHERE o.job_id = i.id AND o.seq > i.after ORDER BY o.seq LIMIT $3) e
ORDER BY i.id, e.seq
