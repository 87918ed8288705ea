-- change_session: changes what is not null; an empty title is none.
-- $1 title  $2 busy  $3 injected now in ms, or null  $4 id
UPDATE sessions
SET title = CASE WHEN $1::text IS NULL THEN title ELSE nullif($1, '') END, busy = coalesce($2, busy),
    updated_at = coalesce($3::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint), version = version + 1
WHERE id = $4
