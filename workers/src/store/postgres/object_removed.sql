-- object_removed: forgets an object that is gone; one that could not be removed is tried after the others.
-- $1 name  $2 gone  $3 injected now in ms, or null
WITH forgotten AS (
    DELETE FROM session_objects WHERE name = $1 AND $2 AND state IN ('writing', 'doomed')
)
UPDATE session_objects
SET state = 'doomed', since = coalesce($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
WHERE name = $1 AND NOT $2 AND state IN ('writing', 'doomed')
