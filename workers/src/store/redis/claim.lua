-- claim: hands out the first pending jobs under leases; those of kinds the worker does not know it parks.
-- ARGV[4] at most  ARGV[5] lease in ms  ARGV[6] worker  ARGV[7..] kinds that the worker knows, none for any
-- Returns now, token, then for each job: ticket, ready_at, head|kind|body (false where the queue lost it).
-- It parks at most MOST jobs; where more are behind them it wakes workers to go on, and so itself.
local MOST = 1000

local settings = redis.call("HMGET", SETTINGS, "paused", "cap")
local max = tonumber(ARGV[4])
if settings[1] == "1" then return { now, 0 } end
local wanted, cap = max, tonumber(settings[2] or "")
if cap and cap > 0 then wanted = math.min(max, cap - redis.call("ZCARD", LEASES)) end
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
    for i, member in ipairs(first) do tickets[i] = string.sub(member, #kind + 16) end
    local held = #first > 0 and redis.call("HMGET", TOKENS, unpack(tickets)) or {}
    for i, member in ipairs(first) do
      local order = tonumber(string.sub(member, #kind + 2, #kind + 15))
      if not order or not (order >= 0 and order < 1e14) then order = score(tickets[i], now) end
      -- What somebody holds already only leaves the line.
      if not held[i] then members[#members + 1], members[#members + 2] = order, tickets[i] end
    end
    -- In this order a key of a wrong type costs no job its place.
    if #members > 0 then redis.call("ZADD", PENDING, unpack(members)) end
    if #first > 0 then
      redis.call("ZREM", AGES, unpack(tickets))
      redis.call("ZREM", PARKED, unpack(first))
    end
    -- Fewer than asked for: that was all of them.
    if #first < max then redis.call("HDEL", KINDS, kind) else count_parked(kind, -#first) end
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

-- A key of a wrong type must not leave jobs behind that are held by nobody: all that was taken goes back.
local wrong
local back = {}
local function try(...)
  local answer = wrong or redis.pcall(...)
  if type(answer) == "table" and answer.err then wrong = answer end
  return answer
end

local tickets, ats, jobs = {}, {}, {}
local parked, ages, strange, strange_n = {}, {}, {}, 0
repeat
  local popped = redis.call("ZPOPMIN", PENDING, wanted)
  local met = {}
  for i = 1, #popped, 2 do
    met[#met + 1] = popped[i]
    back[#back + 1], back[#back + 2] = popped[i + 1], popped[i]
  end
  local bodies = #met > 0 and try("HMGET", JOBS, unpack(met)) or {}
  if wrong then break end
  local before = #tickets
  for i, ticket in ipairs(met) do
    local at = tonumber(popped[i * 2]) % 1e13
    -- Infinity has no remainder.
    if at ~= at then at = now end
    local kind = known and bodies[i] and kind_of(bodies[i])
    if kind and not known[kind] then
      at = at >= 0 and at < 1e13 and math.floor(at) or now
      parked[#parked + 1], parked[#parked + 2] = 0, parked_member(kind, ticket, score(ticket, at))
      ages[#ages + 1], ages[#ages + 2] = at, ticket
      strange[kind] = (strange[kind] or 0) + 1
      strange_n = strange_n + 1
    else
      local n = #tickets + 1
      tickets[n], ats[n], jobs[n] = ticket, string.format("%.0f", at), bodies[i]
    end
  end
  local more = #met == wanted
  wanted = wanted - (#tickets - before)
until wanted <= 0 or not more or strange_n >= MOST

if strange_n > 0 then
  try("ZADD", PARKED, unpack(parked))
  try("ZADD", AGES, unpack(ages))
end

local token, leases, tokens = 0, {}, {}
if #tickets > 0 and not wrong then
  token = next_token()
  local ends = now + tonumber(ARGV[5])
  for i, ticket in ipairs(tickets) do
    leases[#leases + 1], leases[#leases + 2] = ends, ticket
    tokens[#tokens + 1], tokens[#tokens + 2] = ticket, token .. "|" .. ats[i] .. "|" .. ARGV[6]
  end
  try("HSET", TOKENS, unpack(tokens))
  try("ZADD", LEASES, unpack(leases))
end
if wrong then
  for i = 1, #back, 2000 do redis.call("ZADD", PENDING, unpack(back, i, math.min(i + 1999, #back))) end
  if #tickets > 0 then redis.pcall("HDEL", TOKENS, unpack(tickets)) end
  return wrong
end

if strange_n > 0 then
  for kind, jobs_n in pairs(strange) do count_parked(kind, jobs_n) end
  if wanted > 0 and redis.call("ZCARD", PENDING) > 0 then woken = true end
  done()
end

local reply = { now, token }
for i, ticket in ipairs(tickets) do
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = ticket, ats[i], jobs[i]
end
return reply
