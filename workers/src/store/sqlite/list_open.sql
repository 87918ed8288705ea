-- list_open: unfinished jobs. In front of list.sql.
WITH x AS (SELECT seq, id FROM open_jobs WHERE CASE state WHEN 5 THEN 2 ELSE state END BETWEEN ?8 AND ?9 AND id < ?10)
