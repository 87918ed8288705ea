-- cache_get: what is kept under a name.
-- ? sort  ? group  ? key  ? now
SELECT value FROM cache WHERE sort = ? AND grp = ? AND key = ? AND ends > ?;
