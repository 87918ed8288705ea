-- next_expiry: when the next lease of a queue expires.
-- ? queue
SELECT min(lease_until) AS at FROM open_jobs WHERE queue = ? AND state = 3;
