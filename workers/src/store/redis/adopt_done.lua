-- adopt_done: lets go of jobs that are now on our record.
-- KEYS[1] their data hash   KEYS[2] ours: ids set aside   KEYS[3..] their metadata hashes, one a job
-- ARGV[1] 1 to forget their data, 0 to leave it there   ARGV[2..] ids
-- Returns how many.
if ARGV[1] == "1" then
  redis.call("HDEL", KEYS[1], unpack(ARGV, 2))
  redis.call("DEL", unpack(KEYS, 3))
end
return redis.call("ZREM", KEYS[2], unpack(ARGV, 2))
