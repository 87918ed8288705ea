-- postpone_object: one that could not be removed is tried after the others.
-- ? now  ? name
UPDATE session_objects SET state = 'doomed', since = ? WHERE name = ? AND state IN ('writing', 'doomed');
