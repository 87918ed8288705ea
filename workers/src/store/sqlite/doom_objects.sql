-- doom_objects: what was begun too long ago and not committed is not needed any more.
-- ? begun at this time
UPDATE session_objects SET state = 'doomed' WHERE state = 'writing' AND since <= ?;
