-- list_paused: paused jobs. In front of list.sql.
WITH x AS (SELECT seq, id FROM open_jobs INDEXED BY open_paused WHERE state = 4 AND id < ?10)
