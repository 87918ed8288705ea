-- set_progress: notes how far a job is.
-- ? seq  ? progress (JSON)
INSERT INTO job_progress (seq, progress) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET progress = excluded.progress;
