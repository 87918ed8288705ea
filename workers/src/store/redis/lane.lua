-- lane: what the scripts of a provider's lanes share. It is put in front of each of them. The sums are those of
-- admission/pace.rs and admission/breaker.rs, and so are their names.
--
-- KEYS, in the order of keys.rs, all of a provider's under one hash tag:
--   1 pace     hash   at, asleep, next, and of each limit what is left (r, i, o) and what the provider said (rt, rs, ru, …)
--   2 streams  zset   id -> ends at                       4 needs  hash  holder -> input,output
--   3 line     zset   holder -> number, first asked       5 due    zset  holder -> has lost its place after
--   6 breaker  hash   failures, until, trial, ends; none while it is closed and nothing failed
-- ARGV[1] injected now in ms, or "". ARGV[2..4] requests, input and output tokens a minute, or "" for any.

local PACE, STREAMS, LINE, NEEDS, DUE, BREAKER = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local DAY = 86400000
-- What nobody uses for an hour more than anything in it may count is removed.
local KEEP = 90000000
-- Parts of a request or a token.
local PARTS = 60000

-- What somebody else wrote here must not stop a script: what is no number is nothing.
local function number(text)
  local n = text and tonumber(text)
  if n and n > -1e17 and n < 1e17 then return n end
end

local function text(n) return string.format("%.0f", n) end

local function clamp(n, least, most) return math.max(least, math.min(most, n)) end

local NAMES = { "r", "i", "o" }
local found = redis.call(
  "HMGET", PACE, "at", "asleep", "r", "rt", "rs", "ru", "i", "it", "is", "iu", "o", "ot", "os", "ou", "next"
)
local asleep, next_number = number(found[2]) or 0, number(found[15]) or 1
local passed = clamp(now - (number(found[1]) or now), 0, DAY)

-- Each: limit and most parts (nil for any), level, and what the provider said: told, slope, till.
local buckets = {}
for n = 1, 3 do
  local limit, first = number(ARGV[n + 1]), 4 * n - 1
  local b = { limit = limit, most = limit and limit * PARTS }
  if limit then b.level = math.min(b.most, (number(found[first]) or b.most) + passed * math.max(limit, 1)) end
  b.told, b.slope, b.till = number(found[first + 1]), number(found[first + 2]) or 0, number(found[first + 3]) or 0
  if b.told then
    b.told = b.told + passed * b.slope
    if (b.most and b.told >= b.most) or b.till <= now then b.told = nil end
  end
  buckets[n] = b
end

-- So many parts more or fewer are left of a limit.
local function change(b, by)
  local most = b.most or 1e16
  if b.level then b.level = clamp(b.level + by, -most, most) end
  if b.told then b.told = clamp(b.told + by, -most, most) end
end

-- Writes what is left.
local function save()
  local set, gone = { "at", text(now), "asleep", text(asleep), "next", text(next_number) }, {}
  for n, b in ipairs(buckets) do
    local name = NAMES[n]
    if b.level then
      set[#set + 1], set[#set + 2] = name, text(b.level)
    else
      gone[#gone + 1] = name
    end
    if b.told then
      for part, value in pairs({ t = b.told, s = b.slope, u = b.till }) do
        set[#set + 1], set[#set + 2] = name .. part, text(value)
      end
    else
      gone[#gone + 1], gone[#gone + 2], gone[#gone + 3] = name .. "t", name .. "s", name .. "u"
    end
  end
  redis.call("HSET", PACE, unpack(set))
  if #gone > 0 then redis.call("HDEL", PACE, unpack(gone)) end
  for _, key in ipairs(KEYS) do redis.call("PEXPIRE", key, KEEP) end
end

-- Who waited leaves the line.
local function forget(holders)
  if #holders == 0 then return end
  redis.call("ZREM", LINE, unpack(holders))
  redis.call("ZREM", DUE, unpack(holders))
  redis.call("HDEL", NEEDS, unpack(holders))
end

local said = redis.call("HMGET", BREAKER, "failures", "until", "trial", "ends")
local failures, open_until, trial, trial_ends = number(said[1]) or 0, number(said[2]), said[3], number(said[4]) or 0
