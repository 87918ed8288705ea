-- cache_oldest: the oldest entries of a sort, and how large each is.
-- ? sort  ? at most
SELECT seq, bytes FROM cache WHERE sort = ? ORDER BY seq LIMIT ? + 0;
