-- idle_sessions: sessions that are not archived, in the order of their ids, and whether each is idle and has entries.
-- ? idle since this time  ? after this id  ? at most
SELECT id, last > 0 AND max(updated_at, coalesce(restored_at, 0)) <= ? AS idle FROM sessions
WHERE archived_at IS NULL AND id > ? ORDER BY id LIMIT ?;
