-- push: puts jobs in the queue that it does not know; those it knows stay as they are.
-- ARGV[4..] for each job: ticket, head|body, ready_at in ms, "+" and ms for then but not before now, or
-- "" for now
-- Returns how many it did not know.
local tickets = {}
for i = FIRST, #ARGV, 3 do tickets[#tickets + 1] = ARGV[i] end
if #tickets == 0 then return 0 end
local known = redis.call("HMGET", JOBS, unpack(tickets))

local bodies, delayed, new = {}, {}, 0
for i, ticket in ipairs(tickets) do
  if not known[i] then
    new = new + 1
    local arg = FIRST + (i - 1) * 3
    bodies[#bodies + 1], bodies[#bodies + 2] = ticket, ARGV[arg + 1]
    local at = tonumber(ARGV[arg + 2]) or now
    -- A new job is no older than its acceptance; one that is pushed again keeps its age.
    if string.sub(ARGV[arg + 2], 1, 1) == "+" then at = math.max(at, now) end
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
