-- cache_keep: keeps a value. What was under its name is gone.
-- ? sort  ? group  ? key  ? bytes  ? ends  ? value
INSERT INTO cache (sort, grp, key, bytes, ends, value) VALUES (?, ?, ?, ?, ?, ?);
