-- list_open: unfinished jobs. In front of list.sql.
WITH x AS (SELECT seq, id FROM open_jobs WHERE state BETWEEN ?8 AND ?9 AND id < ?10)
