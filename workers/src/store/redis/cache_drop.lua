-- cache_drop: drops entries by name.
-- KEYS and ARGV[1] as in cache.lua  ARGV[2] from  ARGV[3] to, as ZRANGEBYLEX takes them  ARGV[4] at most
-- Returns how many went.
local members = redis.call("ZRANGEBYLEX", NAMES, ARGV[2], ARGV[3], "LIMIT", 0, math.min(tonumber(ARGV[4]), LOOK))
drop(members)
if #members > 0 then redis.call("HSET", COUNTS, "bytes", string.format("%.0f", bytes)) end
return #members
