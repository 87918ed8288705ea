-- finish: forgets jobs whose result is on record.
-- ARGV[4] channel for watchers  ARGV[5] their message  ARGV[6..] for each lease: ticket, token
-- Returns how many leases were still live.
local tickets = {}
for i = FIRST + 2, #ARGV, 2 do tickets[#tickets + 1] = ARGV[i] end
local values = redis.call("HMGET", TOKENS, unpack(tickets))

local live = {}
for i, ticket in ipairs(tickets) do
  if token_of(values[i]) == ARGV[FIRST + 1 + i * 2] then live[#live + 1] = ticket end
end
if #live > 0 then
  redis.call("ZREM", LEASES, unpack(live))
  redis.call("HDEL", TOKENS, unpack(live))
  redis.call("HDEL", JOBS, unpack(live))
  redis.call("SREM", CANCELS, unpack(live))
  release(live)
  freed()
end
done()
redis.call("PUBLISH", ARGV[4], ARGV[5])
return #live
