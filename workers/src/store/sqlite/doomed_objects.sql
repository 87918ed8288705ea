-- doomed_objects: objects that nobody needs, or may not need, those that were tried longest ago first.
-- ? begun at this time, and not committed  ? at most
SELECT name FROM session_objects WHERE state = 'doomed' OR (state = 'writing' AND since <= ?) ORDER BY since LIMIT ?;
