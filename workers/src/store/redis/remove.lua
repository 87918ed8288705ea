-- remove: takes waiting jobs out of the queue and tells the workers of running ones to stop.
-- ARGV[4] channel to tell them on  ARGV[5..] for each job: ticket, id
-- Returns for each: 0 not known | 1 removed | 2 running
local function unpark(ticket, at)
  local kind = kind_of(redis.call("HGET", JOBS, ticket))
  if kind and redis.call("ZREM", PARKED, parked_member(kind, ticket, score(ticket, at))) == 1 then count_parked(kind, -1) end
end

local reply = {}
for i = FIRST + 1, #ARGV, 2 do
  local ticket, n = ARGV[i], #reply + 1
  if redis.call("HEXISTS", JOBS, ticket) == 0 then
    reply[n] = 0
  elseif redis.call("HEXISTS", TOKENS, ticket) == 1 then
    redis.call("SADD", CANCELS, ticket)
    redis.call("PUBLISH", ARGV[4], ARGV[i + 1])
    reply[n] = 2
  else
    -- It may have become pending just now, when the job before it gave its group's slot up.
    flush()
    redis.call("ZREM", PENDING, ticket)
    redis.call("ZREM", DELAYED, ticket)
    local group = group_of(ticket)
    local at = redis.call("ZSCORE", AGES, ticket)
    local lined = group and at and redis.call("ZREM", LINE, line_member(group, ticket, tonumber(at))) == 1
    if at then
      redis.call("ZREM", AGES, ticket)
      if not lined then unpark(ticket, tonumber(at)) end
    end
    redis.call("HDEL", JOBS, ticket)
    release({ ticket })
    -- Someone behind it in the line may fit now even though no slot was given up.
    if lined then admit_one(group) end
    reply[n] = 1
  end
end
done()
return reply
