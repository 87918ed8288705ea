-- list_all: every job. In front of list.sql.
WITH x AS (SELECT seq, id FROM jobs INDEXED BY jobs_by_id WHERE id < ?10)
