-- doomed_objects: objects that nobody needs, those that were tried longest ago first.
-- $1 at most
SELECT name FROM session_objects WHERE state = 'doomed' ORDER BY since LIMIT $1
