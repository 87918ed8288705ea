-- configure_queue: changes what is not null; a cap of 0 takes the cap away.
-- $1 name  $2 paused  $3 cap
INSERT INTO queues AS q (name, paused, cap) VALUES ($1, coalesce($2, false), nullif($3, 0))
ON CONFLICT (name) DO UPDATE
SET paused = coalesce($2, q.paused), cap = CASE WHEN $3::integer IS NULL THEN q.cap ELSE nullif($3, 0) END
RETURNING name, paused, cap
