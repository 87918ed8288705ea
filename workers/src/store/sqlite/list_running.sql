-- list_running: running jobs; they are few, so sorting them is cheap. In front of list.sql.
WITH x AS (SELECT seq, id FROM open_jobs INDEXED BY open_leases WHERE state = 3 AND id < ?10)
