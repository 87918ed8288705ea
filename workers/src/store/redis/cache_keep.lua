-- cache_keep: keeps a value; the oldest of its sort go where there is no room. What is over goes too.
-- KEYS and ARGV[1] as in cache.lua  ARGV[2] member  ARGV[3] value  ARGV[4] for how long in ms  ARGV[5] most entries
-- ARGV[6] most bytes of all values  ARGV[7] when Redis may forget all of it in ms, where nothing is kept any more
-- Returns 1 kept | 0 no room
local member, value = ARGV[2], ARGV[3]
local most, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
drop({ member })
drop(redis.call("ZRANGEBYSCORE", ENDS, "-inf", now, "LIMIT", 0, LOOK))

local fits = most >= 1 and #value <= most_bytes
local gone, count = 0, redis.call("ZCARD", ORDER)
while fits and count > 0 and gone < LOOK and (count >= most or bytes + #value > most_bytes) do
  drop(redis.call("ZRANGE", ORDER, 0, 0))
  gone, count = gone + 1, count - 1
end
-- Where limits became much smaller, the next values find room.
if fits and (count == 0 or (count < most and bytes + #value <= most_bytes)) then
  local ends = now + tonumber(ARGV[4])
  redis.call("HSET", VALUES, member, string.format("%013.0f", ends) .. "|" .. value)
  redis.call("ZADD", ORDER, redis.call("HINCRBY", COUNTS, "number", 1), member)
  redis.call("ZADD", ENDS, ends, member)
  redis.call("ZADD", NAMES, 0, member)
  bytes = (count == 0 and 0 or bytes) + #value
else
  fits = false
end
redis.call("HSET", COUNTS, "bytes", string.format("%.0f", bytes))
for _, key in ipairs(KEYS) do redis.call("PEXPIRE", key, ARGV[7]) end
return fits and 1 or 0
