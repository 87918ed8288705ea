-- configure_queue: changes what is not null; a cap of 0 takes the cap away.
-- ? name  ? paused  ? cap  ? paused  ? cap  ? cap
INSERT INTO queues (name, paused, cap) VALUES (?, coalesce(?, 0), nullif(?, 0))
ON CONFLICT (name) DO UPDATE
SET paused = coalesce(?, paused), cap = CASE WHEN ? IS NULL THEN cap ELSE nullif(?, 0) END;
