-- list_by_kind: jobs of a kind. In front of list.sql.
WITH x AS (SELECT seq, id FROM jobs INDEXED BY jobs_by_kind WHERE kind = ?1 AND id < ?10)
