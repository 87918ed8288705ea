-- give_back: ends leases of jobs that will run again, and writes their new heads.
-- ARGV[4] channel for watchers  ARGV[5] their message
-- ARGV[6..] for each lease: ticket, token, head, what to do: "ready" | "delay" | "drop", ready_at in ms
-- Returns how many leases were still live.
local live = 0
for i = FIRST + 2, #ARGV, 5 do
  local ticket, what, at = ARGV[i], ARGV[i + 3], tonumber(ARGV[i + 4])
  if token_of(redis.call("HGET", TOKENS, ticket)) == ARGV[i + 1] then
    live = live + 1
    redis.call("ZREM", LEASES, ticket)
    redis.call("HDEL", TOKENS, ticket)
    local job = redis.call("HGET", JOBS, ticket)
    local bar = job and string.find(job, "|", 1, true)
    if what == "drop" or not bar then
      redis.call("HDEL", JOBS, ticket)
      redis.call("SREM", CANCELS, ticket)
      release({ ticket })
    else
      redis.call("HSET", JOBS, ticket, ARGV[i + 2] .. string.sub(job, bar))
      if what == "delay" and at > now then
        redis.call("ZADD", DELAYED, at, ticket)
      else
        make_ready(ticket, at)
      end
    end
  end
end
if live > 0 then freed() end
done()
redis.call("PUBLISH", ARGV[4], ARGV[5])
return live
