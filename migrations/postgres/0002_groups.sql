-- Beside Postgres the groups are in Redis; there is nothing to change here.
SELECT 1;
