-- claim: hands out the first pending jobs under leases; those of kinds the worker does not know it parks.
-- ARGV[4] at most  ARGV[5] lease in ms  ARGV[6] worker  ARGV[7..] kinds that the worker knows, none for any
-- Returns now, token, then for each job: ticket, ready_at, head|kind|body (false where the queue lost it).
-- It parks at most MOST jobs; where more are behind them it wakes workers to go on, and so itself.
local MOST = 1000

local settings = redis.call("HMGET", SETTINGS, "paused", "cap")
local max = tonumber(ARGV[4])
if settings[1] == "1" then return { now, 0 } end
local wanted = max
if settings[2] then wanted = math.min(max, tonumber(settings[2]) - redis.call("ZCARD", LEASES)) end
if wanted <= 0 then return { now, 0 } end

local known
for i = FIRST + 3, #ARGV do
  known = known or {}
  known[ARGV[i]] = true
end

-- Parked jobs of kinds this worker knows become pending again: of each kind as many as it may get, so that the order
-- among all that wait is kept.
local function unpark(kinds)
  for _, kind in ipairs(kinds) do
    local from, to = "[" .. kind .. "\31", "(" .. kind .. "\32"
    local first = redis.call("ZRANGEBYLEX", PARKED, from, to, "LIMIT", 0, max)
    local tickets, members = {}, {}
    for i, member in ipairs(first) do
      tickets[i] = string.sub(member, #kind + 16)
      members[i * 2 - 1], members[i * 2] = string.sub(member, #kind + 2, #kind + 15), tickets[i]
    end
    if #first > 0 then
      redis.call("ZREM", PARKED, unpack(first))
      redis.call("ZREM", AGES, unpack(tickets))
      redis.call("ZADD", PENDING, unpack(members))
    end
    -- Fewer than asked for: that was all of them.
    if #first < max then redis.call("HDEL", KINDS, kind) else unparked(kind, #first) end
  end
end

if not known then
  unpark(redis.call("HKEYS", KINDS))
else
  -- Mostly nothing is parked: then this is one look.
  local counts = redis.call("HMGET", KINDS, unpack(ARGV, FIRST + 3))
  local mine = {}
  for i, count in ipairs(counts) do
    if count then mine[#mine + 1] = ARGV[FIRST + 2 + i] end
  end
  unpark(mine)
end

local tickets, ats, jobs = {}, {}, {}
local parked, ages, strange, strange_n = {}, {}, {}, 0
repeat
  local popped = redis.call("ZPOPMIN", PENDING, wanted)
  local met = {}
  for i = 1, #popped, 2 do met[#met + 1] = popped[i] end
  local bodies = #met > 0 and redis.call("HMGET", JOBS, unpack(met)) or {}
  local before = #tickets
  for i, ticket in ipairs(met) do
    local order = tonumber(popped[i * 2])
    local at = string.format("%.0f", order % 1e13)
    local kind = known and bodies[i] and kind_of(bodies[i])
    if kind and not known[kind] then
      parked[#parked + 1], parked[#parked + 2] = 0, parked_member(kind, ticket, order)
      ages[#ages + 1], ages[#ages + 2] = at, ticket
      strange[kind] = (strange[kind] or 0) + 1
      strange_n = strange_n + 1
    else
      local n = #tickets + 1
      tickets[n], ats[n], jobs[n] = ticket, at, bodies[i]
    end
  end
  local more = #met == wanted
  wanted = wanted - (#tickets - before)
until wanted <= 0 or not more or strange_n >= MOST

if strange_n > 0 then
  redis.call("ZADD", PARKED, unpack(parked))
  redis.call("ZADD", AGES, unpack(ages))
  for kind, jobs_n in pairs(strange) do redis.call("HINCRBY", KINDS, kind, jobs_n) end
  if wanted > 0 and redis.call("ZCARD", PENDING) > 0 then woken = true end
  done()
end
if #tickets == 0 then return { now, 0 } end

local token = redis.call("INCR", COUNTER)
local ends = now + tonumber(ARGV[5])
local leases, tokens, reply = {}, {}, { now, token }
for i, ticket in ipairs(tickets) do
  leases[#leases + 1], leases[#leases + 2] = ends, ticket
  tokens[#tokens + 1], tokens[#tokens + 2] = ticket, token .. "|" .. ats[i] .. "|" .. ARGV[6]
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = ticket, ats[i], jobs[i]
end
redis.call("ZADD", LEASES, unpack(leases))
redis.call("HSET", TOKENS, unpack(tokens))
return reply
