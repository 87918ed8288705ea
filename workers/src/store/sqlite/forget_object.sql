-- forget_object: an object that is gone.
-- ? name
DELETE FROM session_objects WHERE name = ? AND state IN ('writing', 'doomed');
