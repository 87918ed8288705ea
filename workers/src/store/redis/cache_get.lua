-- cache_get: what is kept under a name.
-- KEYS[1] values, as in cache.lua, which is not in front of it: it writes nothing
-- ARGV[1] injected now in ms, or ""  ARGV[2] member
-- Returns the value, or nil where there is none or its time is over.
local kept = redis.call("HGET", KEYS[1], ARGV[2])
if not kept then return nil end
local ends = tonumber(string.match(kept, "^(%d+)|") or "")
if not ends or ends <= now then return nil end
return string.sub(kept, 15)
