-- lane_release: a call that was let through has ended.
-- KEYS and ARGV[1..4] as in lane.lua. ARGV[5] id of its stream
-- ARGV[6] input and  ARGV[7] output tokens that were taken and not used, below zero where more was used
-- ARGV[8..13] what the provider said is left of requests, input and output, and in how many ms all of it is there
--   again; "" and "" where it said nothing of one
-- ARGV[14] for how many ms the lane sleeps, 0 for none  ARGV[15] 1 the provider is well, 0 it is not, "" unknown
-- ARGV[16] 1 to open its breaker  ARGV[17] failures that open it  ARGV[18] for how many ms
-- Returns 1 | 0 the stream counted no more, so what was taken stays taken
local id, sleep, rest = ARGV[5], tonumber(ARGV[14]), tonumber(ARGV[18])
local first = redis.call("ZREM", STREAMS, id)

if first == 1 then
  change(buckets[2], tonumber(ARGV[6]) * PARTS)
  change(buckets[3], tonumber(ARGV[7]) * PARTS)
end

local silent = true
for n, b in ipairs(buckets) do
  local remaining, reset = number(ARGV[6 + 2 * n]), number(ARGV[7 + 2 * n])
  if remaining then
    silent = false
    b.told = nil
    if reset > 0 and not (b.limit and remaining >= b.limit) then
      b.told, b.till = remaining * PARTS, now + reset
      b.slope = b.most and math.floor((b.most - b.told) / reset) or 0
    end
  end
end
if sleep > 0 then
  asleep = math.max(asleep, now + sleep)
  -- Whatever was counted here, it is used up.
  for _, b in ipairs(buckets) do
    if silent and b.level then b.level = math.min(b.level, 0) end
  end
end

local function open()
  redis.call("HSET", BREAKER, "failures", text(failures), "until", text(now + rest))
  redis.call("HDEL", BREAKER, "trial", "ends")
end

if ARGV[16] == "1" then
  open()
elseif first == 1 and not open_until then
  if ARGV[15] == "1" and failures > 0 then redis.call("DEL", BREAKER) end
  if ARGV[15] == "0" then
    failures = failures + 1
    if failures >= math.max(tonumber(ARGV[17]), 1) then open() else redis.call("HSET", BREAKER, "failures", text(failures)) end
  end
elseif first == 1 and trial == id then
  -- Calls that were let through before it opened know nothing new.
  if ARGV[15] == "1" then
    redis.call("DEL", BREAKER)
  elseif ARGV[15] == "0" then
    open()
  else
    redis.call("HDEL", BREAKER, "trial", "ends")
  end
end
save()
return first
