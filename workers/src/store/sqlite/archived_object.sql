-- archived_object: the object that has the entries of a session.
-- ? session
SELECT o.name, o.session, o.version, o.hash, o.bytes, o.entries
FROM sessions s JOIN session_objects o ON o.session = s.id AND o.state = 'kept'
WHERE s.id = ? AND s.archived_at IS NOT NULL;
