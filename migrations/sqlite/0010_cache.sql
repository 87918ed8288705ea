-- What an answer from the cache would have cost otherwise; such a row is no call of a provider, and costs nothing. NULL
-- for every call that was made.
ALTER TABLE agent_calls ADD COLUMN saved INTEGER;

-- What was made once and would only be made again. It may be emptied at any time.
CREATE TABLE cache (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT, -- the oldest first
    sort  TEXT    NOT NULL,                  -- answers | contexts
    grp   BLOB    NOT NULL,                  -- what is dropped together
    key   BLOB    NOT NULL,
    bytes INTEGER NOT NULL,                  -- of the value
    ends  INTEGER NOT NULL,
    value BLOB    NOT NULL,
    UNIQUE (sort, grp, key)
) STRICT;
CREATE INDEX cache_by_age ON cache (sort, seq, bytes);
CREATE INDEX cache_by_end ON cache (sort, ends);
