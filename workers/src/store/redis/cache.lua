-- cache: what the scripts of a cache share. It is put in front of each of them.
--
-- KEYS, in the order of keys.rs, under one hash tag:
--   1 values  hash  member -> ends at in ms, 13 digits; a bar; the value
--   2 order   zset  member -> number, rising: the oldest first     4 names   zset  member; by name
--   3 ends    zset  member -> ends at                              5 counts  hash  bytes, number
-- ARGV[1] injected now in ms, or "".
--
-- A member is the group in 32 hex digits, and the key in 64.

local VALUES, ORDER, ENDS, NAMES, COUNTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
-- What stands in front of a value.
local FRONT = 14
-- Most entries that one script drops for one reason.
local LOOK = 500

-- Bytes of all values. Counted along: where that went wrong, an empty cache puts it right.
local bytes = tonumber(redis.call("HGET", COUNTS, "bytes") or "") or 0
if bytes < 0 or redis.call("ZCARD", ORDER) == 0 then bytes = 0 end

local function drop(members)
  if #members == 0 then return end
  for _, member in ipairs(members) do
    bytes = math.max(bytes - math.max(redis.call("HSTRLEN", VALUES, member) - FRONT, 0), 0)
  end
  redis.call("HDEL", VALUES, unpack(members))
  for _, key in ipairs({ ORDER, ENDS, NAMES }) do redis.call("ZREM", key, unpack(members)) end
end
