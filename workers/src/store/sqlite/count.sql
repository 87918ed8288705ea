-- count: notes how many more jobs of a queue are now in which state.
-- ? queue  ? scheduled  ? pending  ? running  ? paused
-- Returns whether jobs wait for the queue's cap.
INSERT INTO queues (name, scheduled, pending, running, paused_jobs) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE
SET scheduled = scheduled + excluded.scheduled, pending = pending + excluded.pending,
    running = running + excluded.running, paused_jobs = paused_jobs + excluded.paused_jobs
RETURNING cap IS NOT NULL AND pending > 0 AS capped;
