-- change_session: changes what is not null; an empty title is none.
-- ? title  ? title  ? busy  ? now  ? id
UPDATE sessions
SET title = CASE WHEN ? IS NULL THEN title ELSE nullif(?, '') END, busy = coalesce(?, busy), updated_at = ?,
    version = version + 1
WHERE id = ?;
