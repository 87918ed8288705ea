-- list_by_label: jobs with a label. In front of list.sql.
WITH x AS (SELECT seq, id FROM job_labels WHERE name = ?12 AND value = ?13 AND id < ?10)
