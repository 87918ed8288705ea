-- schema_exists: whether there is a schema of this name.
-- $1 name
SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS known
