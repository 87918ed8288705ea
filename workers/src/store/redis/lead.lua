-- lead: makes a worker the one that does some duties, unless another one is.
-- KEYS[1] hash   duty -> ends at|holder
-- ARGV[1] injected now in ms, or ""  ARGV[2] holder  ARGV[3] for how long in ms, 0 to give up  ARGV[4..] duties
-- Returns for each: 1 it is | 0 another one is, or it gave up
local holder, ttl = ARGV[2], tonumber(ARGV[3])
local reply, taken = {}, {}
if #ARGV < 4 then return reply end
local held = redis.call("HMGET", KEYS[1], unpack(ARGV, 4))
for i = 1, #held do
  local ends, by = string.match(held[i] or "", "^(%d+)|(.*)$")
  reply[i] = 0
  if not ends or by == holder or tonumber(ends) <= now then
    taken[#taken + 1] = ARGV[i + 3]
    taken[#taken + 1] = string.format("%.0f", now + ttl) .. "|" .. holder
    if ttl > 0 then reply[i] = 1 end
  end
end
if #taken > 0 then redis.call("HSET", KEYS[1], unpack(taken)) end
return reply
