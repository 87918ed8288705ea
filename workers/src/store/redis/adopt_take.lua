-- adopt_take: sets jobs of a stock apalis-redis producer aside, so that no one else takes them, and reads them.
-- KEYS[1] their active list   KEYS[2] their scheduled zset (seconds)   KEYS[3] their data hash
-- KEYS[4] ours: zset of ids set aside -> run_at in ms, 0 for now
-- ARGV[1] at most
-- Returns for each: id, run_at in ms, data (false where there is none). What an adopter left behind comes first.
-- The keys are apalis-redis's own and share no hash tag, so this needs a server that is not a cluster.
local room = tonumber(ARGV[1]) - redis.call("ZCARD", KEYS[4])
if room > 0 then
  local ids = redis.call("LRANGE", KEYS[1], 0, room - 1)
  if #ids > 0 then
    redis.call("LTRIM", KEYS[1], #ids, -1)
    for _, id in ipairs(ids) do redis.call("ZADD", KEYS[4], 0, id) end
  end
  room = room - #ids
end
if room > 0 then
  local later = redis.call("ZRANGE", KEYS[2], 0, room - 1, "WITHSCORES")
  for i = 1, #later, 2 do
    -- Some say "never" by the largest number they have; ours must fit a double exactly.
    redis.call("ZADD", KEYS[4], math.min(tonumber(later[i + 1]) * 1000, 9007199254740991), later[i])
    redis.call("ZREM", KEYS[2], later[i])
  end
end
local aside = redis.call("ZRANGE", KEYS[4], 0, tonumber(ARGV[1]) - 1, "WITHSCORES")
local reply = {}
for i = 1, #aside, 2 do
  local n = #reply
  reply[n + 1], reply[n + 2] = aside[i], string.format("%.0f", tonumber(aside[i + 1]))
  reply[n + 3] = redis.call("HGET", KEYS[3], aside[i])
end
return reply
