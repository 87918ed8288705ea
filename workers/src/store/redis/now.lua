-- now: the time that a script goes by, in ms. It is put in front of each of them that knows one.
--
-- ARGV[1] injected now in ms, or "" for the time of Redis.
local now
if ARGV[1] ~= "" then
  now = tonumber(ARGV[1])
else
  local t = redis.call("TIME")
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end

