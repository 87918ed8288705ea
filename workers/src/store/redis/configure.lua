-- configure: makes a queue's settings those on record.
-- ARGV[4] paused: "1" or "0"  ARGV[5] cap, or "" for none
-- Returns 1.
redis.call("HSET", SETTINGS, "paused", ARGV[4])
if ARGV[5] == "" then redis.call("HDEL", SETTINGS, "cap") else redis.call("HSET", SETTINGS, "cap", ARGV[5]) end
-- A queue that goes on, or may run more, has work for those who wait.
woken = true
done()
return 1
