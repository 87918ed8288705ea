-- Beside Postgres the lanes of providers are in Redis; there is nothing to change here.
SELECT 1;
