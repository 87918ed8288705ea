-- stats: a queue in numbers.
-- Returns pending, delayed, leased, for how long the oldest pending job has waited in ms (-1 for none), and by kind how
-- many jobs are parked: about 100 kinds, or all where they are few.
local oldest
for priority = 0, 9 do
  local from = string.format("%.0f", priority * 1e13)
  local to = string.format("(%.0f", (priority + 1) * 1e13)
  local first = redis.call("ZRANGEBYSCORE", PENDING, from, to, "WITHSCORES", "LIMIT", 0, 1)
  if first[2] then oldest = math.min(oldest or math.huge, tonumber(first[2]) - priority * 1e13) end
end
local waiting = redis.call("ZRANGE", AGES, 0, 0, "WITHSCORES")
if waiting[2] then oldest = math.min(oldest or math.huge, tonumber(waiting[2])) end
return {
  redis.call("ZCARD", PENDING) + redis.call("ZCARD", AGES),
  redis.call("ZCARD", DELAYED),
  redis.call("ZCARD", LEASES),
  oldest and math.max(0, now - oldest) or -1,
  redis.call("HSCAN", KINDS, 0, "COUNT", 100)[2],
}
