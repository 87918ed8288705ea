-- cache_evict: drops the oldest entries of a sort, up to one of them.
-- ? sort  ? its number
DELETE FROM cache WHERE sort = ? AND seq <= ?;
