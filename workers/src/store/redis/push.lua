-- push: puts jobs in the queue that it does not know; those it knows stay as they are, unless their place is gone.
-- ARGV[4..] for each job: ticket, head|kind|body, ready_at in ms, "+" and ms for then but not before now, "!" and ms for
-- then also where the queue still knows a lease of an earlier run, or "" for now
-- Returns how many it took.
local tickets = {}
for i = FIRST, #ARGV, 3 do tickets[#tickets + 1] = ARGV[i] end
if #tickets == 0 then return 0 end
local known = redis.call("HMGET", JOBS, unpack(tickets))

local function run_of(job) return tonumber(string.match(job, "^%d+") or 0) end

-- A lease of a run that has ended on record; the worker only has not said so here yet. Answers whether there was one.
local function forget_lease(ticket, job, pushed)
  if redis.call("HEXISTS", TOKENS, ticket) == 0 or run_of(job) >= run_of(pushed) then return false end
  redis.call("ZREM", LEASES, ticket)
  redis.call("HDEL", TOKENS, ticket)
  redis.call("SREM", CANCELS, ticket)
  release({ ticket })
  return true
end

-- Only a body is left of it, or a lease that has no end.
local function is_lost(ticket)
  flush()
  if has_place(ticket) > 0 then return false end
  redis.call("HDEL", TOKENS, ticket)
  redis.call("SREM", CANCELS, ticket)
  return true
end

local bodies, delayed, new = {}, {}, 0
for i, ticket in ipairs(tickets) do
  local arg = FIRST + (i - 1) * 3
  local mark, ms = string.match(ARGV[arg + 2], "^([+!]?)(.*)$")
  if not known[i] or (mark == "!" and forget_lease(ticket, known[i], ARGV[arg + 1])) or is_lost(ticket) then
    new = new + 1
    bodies[#bodies + 1], bodies[#bodies + 2] = ticket, ARGV[arg + 1]
    local at = tonumber(ms) or now
    -- A new job is no older than its acceptance; one that is pushed again keeps its age.
    if mark == "+" then at = math.max(at, now) end
    if at > now then
      delayed[#delayed + 1], delayed[#delayed + 2] = at, ticket
    else
      make_ready(ticket, at)
    end
  end
end
if #bodies > 0 then redis.call("HSET", JOBS, unpack(bodies)) end
if #delayed > 0 then redis.call("ZADD", DELAYED, unpack(delayed)) end
done()
return new
