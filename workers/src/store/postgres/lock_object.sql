-- lock_object: an object of the archive, as it is until the transaction ends.
-- $1 name
SELECT session, state FROM session_objects WHERE name = $1 FOR UPDATE
