-- lane_admit: lets a call through, or gives it a place in the line and says when to ask again.
-- KEYS and ARGV[1..4] as in lane.lua. ARGV[5] most streams, or ""  ARGV[6] holder  ARGV[7] id of its stream
-- ARGV[8] input and  ARGV[9] output tokens  ARGV[10] how long its stream counts in ms, unless it is released before
-- ARGV[11] how many places in front to look at  ARGV[12] most places  ARGV[13] how long a place is kept after its time
-- ARGV[14..] in ms, as in admission/decide.rs: POLL, SLOWEST_POLL, STAGGER, MAX_STAGGER, TRIAL_POLL, EXACT, LONGEST_TOLD
-- Returns {0} go | {1 rate, 2 streams, 3 asleep or 4 breaker; wait in ms}
local most_streams, holder, id = number(ARGV[5]), ARGV[6], ARGV[7]
local need = { 1, tonumber(ARGV[8]), tonumber(ARGV[9]) }
local lease, LOOK, MAX_LINE, GRACE = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local POLL, SLOWEST_POLL, STAGGER = tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local MAX_STAGGER, TRIAL_POLL = tonumber(ARGV[17]), tonumber(ARGV[18])
local EXACT, LONGEST_TOLD = tonumber(ARGV[19]), tonumber(ARGV[20])

redis.call("ZREMRANGEBYSCORE", STREAMS, "-inf", text(now))
forget(redis.call("ZRANGEBYSCORE", DUE, "-inf", "(" .. text(now), "LIMIT", 0, 1000))

local place = redis.call("ZRANK", LINE, holder)
local waits = place and true
place = place or redis.call("ZCARD", LINE)

-- What those in front need as well.
local sums = { place + 1, 0, 0 }
local looked = math.min(place, LOOK)
if looked > 0 then
  local ahead = redis.call("ZRANGE", LINE, 0, looked - 1)
  for _, needs in ipairs(redis.call("HMGET", NEEDS, unpack(ahead))) do
    local input, output = string.match(needs or "", "^(%d+),(%d+)$")
    sums[2], sums[3] = sums[2] + (tonumber(input) or 0), sums[3] + (tonumber(output) or 0)
  end
  if place > LOOK then
    sums[2], sums[3] = math.floor(sums[2] * place / LOOK), math.floor(sums[3] * place / LOOK)
  end
end
sums[2], sums[3] = sums[2] + need[2], sums[3] + need[3]

local has_stream = redis.call("ZSCORE", STREAMS, id)
local streams = redis.call("ZCARD", STREAMS) - (has_stream and 1 or 0)

local function early(wait)
  if wait > EXACT then return math.max(math.floor(wait / 4) * 3, EXACT) end
  return wait
end
local poll = math.min(POLL * (place + 1), SLOWEST_POLL)
local stagger = math.min(STAGGER * place, MAX_STAGGER)

-- How long the rate keeps it waiting.
local function rate()
  local firm, soft = 0, 0
  for n, b in ipairs(buckets) do
    if b.limit then
      local wait = math.ceil(math.max(sums[n] * PARTS - b.level, 0) / math.max(b.limit, 1))
      if n == 3 then soft = wait else firm = math.max(firm, wait) end
    end
    if b.told then
      local lacks = (b.limit and math.min(sums[n], b.limit) or sums[n]) * PARTS - b.told
      if lacks > 0 and b.slope > 0 then
        firm = math.max(firm, math.min(math.ceil(lacks / b.slope), b.till - now))
      elseif lacks > 0 then
        firm = math.max(firm, b.till - now)
      end
    end
  end
  if soft > firm and streams > 0 then return math.max(early(firm), math.min(early(soft), poll)) end
  return early(math.max(firm, soft))
end

local function decide()
  if open_until and open_until > now then return 4, open_until - now + stagger end
  if open_until and trial and trial ~= id and trial_ends > now then
    return 4, math.min(trial_ends - now, TRIAL_POLL) + stagger
  end
  if open_until and place > 0 then return 4, poll end
  local wait = rate()
  if asleep > now then return 3, math.max(wait, asleep - now + stagger) end
  if wait > 0 then return 1, wait end
  if most_streams and not has_stream and streams + place >= most_streams then return 2, poll end
  return 0
end

local why, wait = decide()
if why == 0 then
  if waits then forget({ holder }) end
  for n, b in ipairs(buckets) do change(b, -need[n] * PARTS) end
  redis.call("ZADD", STREAMS, text(now + lease), id)
  if open_until then redis.call("HSET", BREAKER, "trial", id, "ends", text(now + lease)) end
  save()
  return { 0 }
end
wait = clamp(wait, 1, LONGEST_TOLD)
if waits or place < MAX_LINE then
  if not waits then
    redis.call("ZADD", LINE, text(next_number), holder)
    next_number = next_number + 1
  end
  redis.call("HSET", NEEDS, holder, ARGV[8] .. "," .. ARGV[9])
  redis.call("ZADD", DUE, text(now + wait + GRACE), holder)
end
save()
return { why, wait }
