-- lane_state: a lane as it is.
-- KEYS as in lane.lua, which is not in front of it: it writes nothing. ARGV[1] injected now in ms, or ""
-- Returns {streams, waiting, sleeps for ms, breaker stays open for ms}, or {} where nobody has used it for a day
if redis.call("EXISTS", KEYS[1]) == 0 then return {} end

local function left(key, field)
  local at = redis.call("HGET", key, field)
  return math.max(0, math.min((at and tonumber(at) or 0) - now, 86400000))
end

local from = string.format("%.0f", now)
return {
  redis.call("ZCOUNT", KEYS[2], "(" .. from, "+inf"),
  redis.call("ZCOUNT", KEYS[5], from, "+inf"),
  left(KEYS[1], "asleep"),
  left(KEYS[6], "until"),
}
