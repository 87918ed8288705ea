-- doom_objects: what was begun too long ago and not committed is not needed any more.
-- $1 begun so many ms ago  $2 injected now in ms, or null
UPDATE session_objects SET state = 'doomed'
WHERE state = 'writing'
  AND since <= coalesce($2::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $1::bigint
