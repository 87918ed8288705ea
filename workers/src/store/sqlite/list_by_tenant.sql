-- list_by_tenant: jobs of a tenant other than `default`. In front of list.sql.
WITH x AS (SELECT seq, id FROM jobs INDEXED BY jobs_by_tenant WHERE tenant = ?3 AND tenant <> 'default' AND id < ?10)
