-- done_steps: finished steps of a run after a place, in order.
-- $1 run  $2 thread  $3 seq  $4 at most
SELECT s.thread, s.seq, s.kind, s.name, s.input_hash, s.attempt, s.request::text AS request,
       s.response::text AS response, false AS unsure, c.cost, c.input, c.cache_read, c.cache_write, c.cache_write_1h,
       c.output, c.reasoning
FROM agent_steps s
LEFT JOIN agent_calls c ON c.run_id = s.run_id AND c.thread = s.thread AND c.seq = s.seq AND c.attempt = s.done_by
WHERE s.run_id = $1 AND (s.thread, s.seq) > ($2, $3) AND s.done_by IS NOT NULL
ORDER BY s.thread, s.seq
LIMIT $4
