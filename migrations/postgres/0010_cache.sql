-- What an answer from the cache would have cost otherwise; such a row is no call of a provider, and costs nothing. NULL
-- for every call that was made. The cache itself is in Redis.
ALTER TABLE agent_calls ADD COLUMN saved bigint;
