-- repair: removes keys of a queue that are not of their type: somebody else wrote there. The record has what they held.
-- Lines, slots, those who hold them and what is parked mean something together only, and a script that met a wrong key
-- may have stopped half-way, so they go with any of them. A queue without its settings is paused until it is told them.
-- Returns the places of the keys removed, from 1.
local types = {
  "zset", "zset", "zset", "hash", "hash", "zset", "zset", "hash", "set", "set", "hash", "string", "zset", "hash",
}
local removed = {}
for i, key in ipairs(KEYS) do
  local found = redis.call("TYPE", key).ok
  if found ~= "none" and found ~= types[i] then
    redis.call("DEL", key)
    removed[#removed + 1] = i
    if key == SETTINGS then redis.call("HSET", SETTINGS, "paused", "1") end
  end
end
if #removed > 0 then redis.call("DEL", LINE, AGES, ACTIVE, HOLDERS, PARKED, KINDS) end
return removed
