-- raw_settings: what decides how durable and how fast the server is.
SELECT name, setting FROM pg_settings
WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_compression', 'shared_buffers')
ORDER BY name
