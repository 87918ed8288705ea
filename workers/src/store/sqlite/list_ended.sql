-- list_ended: jobs that failed, were cancelled or quarantined. In front of list.sql.
WITH x AS (SELECT seq, id FROM job_results INDEXED BY job_results_exceptions
           WHERE state = ?7 AND state <> 'completed' AND id < ?10)
