-- common: what the scripts of a queue share. It is put in front of each of them.
--
-- KEYS, for every script the same, in the order of keys.rs, under one hash tag:
--   1 pending  zset   ticket -> priority and ready_at     5 tokens  hash  ticket -> token|ready_at|worker
--   2 delayed  zset   ticket -> due at                    6 line    zset  group, ready_at, ticket; by name
--   3 leases   zset   ticket -> ends at                   7 ages    zset  ticket in the line or parked -> ready_at
--   4 jobs     hash   ticket -> head|kind|body            8 active  hash  group -> slots taken
--   9 holders  set    tickets that hold a slot of their group
--  10 cancels  set    tickets someone asked to cancel
--  11 settings hash   paused, cap
--  12 counter  string last lease token
--  13 parked   zset   kind, priority and ready_at, ticket; by name: ready, but of a kind that who met it does not know
--  14 kinds    hash   kind -> how many are parked
-- ARGV[1] injected now in ms, or "". ARGV[2] channel to wake workers on. ARGV[3] name of the queue.
--
-- A ticket names a job and says all that a script must know of it: 32 hex digits of the id, one digit of priority,
-- and, for a job of a group, "limit:group". The head of a job is "run,failure,crash,handover,throttle,budget".

local PENDING, DELAYED, LEASES, JOBS, TOKENS, LINE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local AGES, ACTIVE, HOLDERS, CANCELS, SETTINGS, COUNTER = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local PARKED, KINDS = KEYS[13], KEYS[14]

-- What somebody else wrote into these keys must not stop a script half-way: a ticket that is none has no group and
-- the last priority, and is thrown out by whoever claims it.
local function group_of(ticket)
  if #ticket == 33 then return nil end
  local colon = string.find(ticket, ":", 34, true)
  if not colon then return nil end
  return string.sub(ticket, colon + 1), math.max(tonumber(string.sub(ticket, 34, colon - 1)) or 1, 1)
end

local function score(ticket, at)
  return (tonumber(string.sub(ticket, 33, 33)) or 9) * 1e13 + at
end

local woken = false
-- Members for one ZADD to pending, and what follows for those that came out of a line, so that a batch is few calls.
local ready, ready_n, admitted = {}, 0, {}
-- Writes what became pending so far. A script that takes jobs out again after it made others pending calls it between.
local function flush()
  if ready_n > 0 then redis.call("ZADD", PENDING, unpack(ready)) end
  if #admitted > 0 then
    redis.call("ZREM", AGES, unpack(admitted))
    redis.call("SADD", HOLDERS, unpack(admitted))
  end
  ready, ready_n, admitted = {}, 0, {}
end

local function make_pending(ticket, at)
  ready[ready_n + 1], ready[ready_n + 2] = score(ticket, at), ticket
  ready_n = ready_n + 2
  if ready_n >= 2000 then flush() end
  woken = true
end

-- Most jobs of one group that one look at its line admits, and most that leave their lines in one call.
local LOOK = 100
local TAKE = 1000

-- Slots of a group that are taken: `found` says so, of which `freed` are nobody's any more. Where that cannot be, since
-- all groups have `most` of them, those who hold one are counted.
local function slots_after(group, found, freed, most)
  local n = found and tonumber(found) or (found and -1 or 0)
  if n >= 0 and n <= most + freed and n % 1 == 0 then return n, n - freed end
  flush()
  n = 0
  for _, ticket in ipairs(redis.call("SMEMBERS", HOLDERS)) do
    if group_of(ticket) == group then n = n + 1 end
  end
  return nil, n
end

-- Gives `freed[group]` slots of each group back, and the free ones to the first in its line; nobody overtakes one that
-- does not fit by its own limit. A batch pays one look a group; the rest is a call for all.
local function admit(groups, freed)
  local actives = redis.call("HMGET", ACTIVE, unpack(groups))
  local most = redis.call("SCARD", HOLDERS) + #admitted
  local taken, changed = {}, {}
  local function take()
    if #taken > 0 then redis.call("ZREM", LINE, unpack(taken)) end
    taken = {}
  end
  for i, group in ipairs(groups) do
    local before, active = slots_after(group, actives[i], freed[group], most)
    local look, fit = math.min(freed[group] + 1, LOOK), 0
    local from, to = "[" .. group .. "\31", "(" .. group .. "\32"
    repeat
      if #taken >= TAKE then
        take()
        fit = 0
      end
      local first = redis.call("ZRANGEBYLEX", LINE, from, to, "LIMIT", fit, look)
      local fits = 0
      for _, member in ipairs(first) do
        local ticket = string.sub(member, #group + 15)
        local of, limit = group_of(ticket)
        -- What is of no group, or of another, only leaves the line.
        if of == group then
          if active >= limit then break end
          active, admitted[#admitted + 1] = active + 1, ticket
          make_pending(ticket, tonumber(string.sub(member, #group + 2, #group + 14)) or now)
        end
        fits, taken[#taken + 1] = fits + 1, member
      end
      fit = fit + fits
    until fits < look
    if active <= 0 then
      redis.call("HDEL", ACTIVE, group)
    elseif active ~= before then
      changed[#changed + 1], changed[#changed + 2] = group, active
    end
  end
  take()
  if #changed > 0 then redis.call("HSET", ACTIVE, unpack(changed)) end
end

-- Gives free slots of one group to the first in its line.
local function admit_one(group) admit({ group }, { [group] = 0 }) end

local function line_member(group, ticket, at)
  return group .. "\31" .. string.format("%013d", at) .. ticket
end

-- A job's time has come: it becomes pending, or joins its group's line. A job that holds a slot keeps it.
local function make_ready(ticket, at)
  local group = group_of(ticket)
  if not group or redis.call("SISMEMBER", HOLDERS, ticket) == 1 then
    make_pending(ticket, at)
    return
  end
  redis.call("ZADD", LINE, 0, line_member(group, ticket, at))
  redis.call("ZADD", AGES, at, ticket)
  admit_one(group)
end

-- The kind of a job, by its head|kind|body; nil where that cannot be read.
local function kind_of(job)
  return string.match(job, "^[%d,]+|([^|%c]+)|")
end

-- Where a kind's parked jobs are, in the order in which they would run: by score, then by ticket.
local function parked_member(kind, ticket, order)
  return kind .. "\31" .. string.format("%014.0f", order) .. ticket
end

-- So many more jobs of a kind are parked. Where that leaves no number, or none of them, they are counted.
local function count_parked(kind, more)
  local n = redis.pcall("HINCRBY", KINDS, kind, more)
  if type(n) == "number" and n > 0 then return end
  n = redis.call("ZLEXCOUNT", PARKED, "[" .. kind .. "\31", "(" .. kind .. "\32")
  if n > 0 then redis.call("HSET", KINDS, kind, n) else redis.call("HDEL", KINDS, kind) end
end

-- Whether a job is parked where those who know its kind look.
local function is_parked(ticket, at)
  local job = redis.call("HGET", JOBS, ticket)
  local kind = job and kind_of(job)
  if not kind or not redis.call("ZSCORE", PARKED, parked_member(kind, ticket, score(ticket, at))) then return false end
  if redis.call("HEXISTS", KINDS, kind) == 0 then count_parked(kind, 0) end
  return true
end

-- Where a job is that the queue knows: 1 it waits, 2 it is held under a lease, 0 its place is gone.
local function has_place(ticket)
  if redis.call("HEXISTS", TOKENS, ticket) == 0 then
    if redis.call("ZSCORE", PENDING, ticket) or redis.call("ZSCORE", DELAYED, ticket) then return 1 end
    local group = group_of(ticket)
    local at = tonumber(redis.call("ZSCORE", AGES, ticket))
    if at and group and redis.call("ZSCORE", LINE, line_member(group, ticket, at)) then return 1 end
    if at and is_parked(ticket, at) then return 1 end
  end
  return redis.call("ZSCORE", LEASES, ticket) and 2 or 0
end

-- Jobs are done or paused: their groups' slots go to the next in line.
local function release(tickets)
  local grouped = {}
  for _, ticket in ipairs(tickets) do
    if #ticket > 33 and group_of(ticket) then grouped[#grouped + 1] = ticket end
  end
  if #grouped == 0 then return end
  local holds = redis.call("SMISMEMBER", HOLDERS, unpack(grouped))
  local held, groups, freed = {}, {}, {}
  for i, ticket in ipairs(grouped) do
    if holds[i] == 1 then
      local group = group_of(ticket)
      if not freed[group] then groups[#groups + 1] = group end
      freed[group] = (freed[group] or 0) + 1
      held[#held + 1] = ticket
    end
  end
  if #held == 0 then return end
  redis.call("SREM", HOLDERS, unpack(held))
  admit(groups, freed)
end

-- Leases ended: where a cap held workers back, there is room now.
local function freed()
  if redis.call("HEXISTS", SETTINGS, "cap") == 0 then return end
  if redis.call("ZCARD", PENDING) > 0 or redis.call("ZCARD", PARKED) > 0 then woken = true end
end

-- Flushes what became pending and wakes workers. Every script that makes jobs ready ends with it.
local function done()
  flush()
  if woken then redis.call("PUBLISH", ARGV[2], ARGV[3]) end
end

-- Token of a lease: the part of tokens' value in front of the first bar.
local function token_of(value)
  return value and string.match(value, "^(%d+)|")
end

-- A token that no lease has. Where the counter cannot be read it goes on from the time, which is above all it gave out.
local function next_token()
  local token = redis.pcall("INCR", COUNTER)
  if type(token) == "number" and token > 0 then return token end
  redis.call("SET", COUNTER, string.format("%.0f", now))
  return now
end

-- One of the fixed arguments each script starts behind.
local FIRST = 4
