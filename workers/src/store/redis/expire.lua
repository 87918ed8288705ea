-- expire: takes over expired leases, so that from now on neither their worker nor another rescuer can use them.
-- ARGV[4] at most  ARGV[5] how long the rescuer has in ms  ARGV[6] rescuer
-- Returns token, then for each job: ticket, head, ready_at, worker that lost it.
local expired = redis.call("ZRANGEBYSCORE", LEASES, "-inf", now, "LIMIT", 0, tonumber(ARGV[4]))
if #expired == 0 then return { 0 } end
local token = next_token()
local ends = now + tonumber(ARGV[5])
local reply = { token }
for _, ticket in ipairs(expired) do
  local value = redis.call("HGET", TOKENS, ticket)
  local at, worker = string.match(value or "", "^%d+|(%d+)|(.*)$")
  if at and #at > 13 then at = nil end
  local job = redis.call("HGET", JOBS, ticket)
  local head = job and string.match(job, "^([%d,]+)|") or ""
  at = at or string.format("%.0f", now)
  redis.call("ZADD", LEASES, ends, ticket)
  -- The worker that lost it stays named, should this rescuer die too.
  redis.call("HSET", TOKENS, ticket, token .. "|" .. at .. "|" .. (worker or "unknown"))
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = ticket, head, at, worker or "unknown"
end
return reply
