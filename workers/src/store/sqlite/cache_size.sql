-- cache_size: how much of a sort is kept.
-- ? sort
SELECT count(*) AS entries, coalesce(sum(bytes), 0) AS bytes FROM cache WHERE sort = ?;
