-- adopt_done: forgets jobs that are now on our record.
-- KEYS[1] their data hash   KEYS[2] ours: ids set aside   KEYS[3..] their metadata hashes, one a job
-- ARGV[1..] ids
-- Returns how many.
redis.call("HDEL", KEYS[1], unpack(ARGV))
redis.call("DEL", unpack(KEYS, 3))
return redis.call("ZREM", KEYS[2], unpack(ARGV))
