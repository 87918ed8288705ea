-- add_queues: notes queues that are used for the first time.
-- $1 names
INSERT INTO queues (name) SELECT n FROM unnest($1::text[]) AS i (n) ORDER BY n ON CONFLICT DO NOTHING
