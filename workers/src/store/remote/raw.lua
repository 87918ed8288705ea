-- raw: the least a queue can do, to know what redis itself allows.
-- KEYS[1] zset of what waits   KEYS[2] hash of payloads
-- ARGV[1] "push": ARGV[2] payload, ARGV[3..] ids   ARGV[1] "claim": ARGV[2] at most
-- Returns for a claim the payloads.
if ARGV[1] == "push" then
  local members, blobs = {}, {}
  for i = 3, #ARGV do
    members[#members + 1], members[#members + 2] = i, ARGV[i]
    blobs[#blobs + 1], blobs[#blobs + 2] = ARGV[i], ARGV[2]
  end
  redis.call("ZADD", KEYS[1], unpack(members))
  redis.call("HSET", KEYS[2], unpack(blobs))
  return {}
end
local popped, ids = redis.call("ZPOPMIN", KEYS[1], tonumber(ARGV[2])), {}
for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
if #ids == 0 then return {} end
local blobs = redis.call("HMGET", KEYS[2], unpack(ids))
redis.call("HDEL", KEYS[2], unpack(ids))
return blobs
