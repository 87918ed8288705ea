-- lead: makes a worker the one that does some duties, unless another one is.
-- KEYS[1] hash   duty -> ends at|holder
-- ARGV[1] injected now in ms, or ""  ARGV[2] holder  ARGV[3] for how long in ms, 0 to give up  ARGV[4..] duties
-- Returns for each: 1 it is | 0 another one is, or it gave up
local holder, ttl = ARGV[2], tonumber(ARGV[3])
local reply = {}
for i = 4, #ARGV do
  local ends, by = string.match(redis.call("HGET", KEYS[1], ARGV[i]) or "", "^(%d+)|(.*)$")
  reply[#reply + 1] = 0
  if not ends or by == holder or tonumber(ends) <= now then
    redis.call("HSET", KEYS[1], ARGV[i], string.format("%.0f", now + ttl) .. "|" .. holder)
    if ttl > 0 then reply[#reply] = 1 end
  end
end
return reply
