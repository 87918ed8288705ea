-- known: which jobs the queue knows.
-- ARGV[4..] tickets
-- Returns for each: 0 not known | 1 waiting | 2 held under a lease
local reply = {}
for i = FIRST, #ARGV do
  if redis.call("HEXISTS", TOKENS, ARGV[i]) == 1 then
    reply[#reply + 1] = 2
  else
    reply[#reply + 1] = redis.call("HEXISTS", JOBS, ARGV[i])
  end
end
return reply
