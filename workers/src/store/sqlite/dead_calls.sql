-- dead_calls: open calls whose lease ended.
-- ? at most
SELECT c.run_id AS id, c.thread, c.seq, c.attempt, c.job_id, c.tenant, c.session, c.day,
       c.provider IS NOT NULL AS paid, c.held_cost, c.held_tokens
FROM agent_calls c
WHERE c.outcome = 'open'
  AND NOT EXISTS (SELECT 1 FROM open_jobs o WHERE o.id = c.job_id AND o.run = c.job_run)
LIMIT ? + 0;
