-- list_by_queue: jobs of a queue. In front of list.sql.
WITH x AS (SELECT seq, id FROM jobs INDEXED BY jobs_by_queue WHERE queue = ?2 AND id < ?10)
