-- claim: hands out the first pending jobs under leases.
-- ARGV[4] at most  ARGV[5] lease in ms  ARGV[6] worker
-- Returns now, token, then for each job: ticket, ready_at, head|body (false where the queue lost it).
local settings = redis.call("HMGET", SETTINGS, "paused", "cap")
local max = tonumber(ARGV[4])
if settings[1] == "1" then return { now, 0 } end
if settings[2] then max = math.min(max, tonumber(settings[2]) - redis.call("ZCARD", LEASES)) end
if max <= 0 then return { now, 0 } end

local popped = redis.call("ZPOPMIN", PENDING, max)
if #popped == 0 then return { now, 0 } end

local token = redis.call("INCR", COUNTER)
local ends = now + tonumber(ARGV[5])
local tickets, leases, tokens = {}, {}, {}
for i = 1, #popped, 2 do
  local ticket = popped[i]
  local at = string.format("%.0f", tonumber(popped[i + 1]) % 1e13)
  tickets[#tickets + 1] = ticket
  leases[#leases + 1], leases[#leases + 2] = ends, ticket
  tokens[#tokens + 1], tokens[#tokens + 2] = ticket, token .. "|" .. at .. "|" .. ARGV[6]
  popped[i + 1] = at
end
redis.call("ZADD", LEASES, unpack(leases))
redis.call("HSET", TOKENS, unpack(tokens))
local jobs = redis.call("HMGET", JOBS, unpack(tickets))

local reply = { now, token }
for i, ticket in ipairs(tickets) do
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = ticket, popped[i * 2], jobs[i]
end
return reply
