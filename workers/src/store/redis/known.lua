-- known: which jobs the queue knows. One whose place is gone is not known: it would never be handed out, nor rescued.
-- ARGV[4..] tickets
-- Returns for each: 0 not known | 1 waiting | 2 held under a lease
local reply, looked = {}, {}
for i = FIRST, #ARGV do
  local ticket = ARGV[i]
  local place = 0
  if redis.call("HEXISTS", TOKENS, ticket) == 1 or redis.call("HEXISTS", JOBS, ticket) == 1 then
    place = has_place(ticket)
  end
  -- Whoever waits in a line gets a slot that was lost to all others.
  local group = place == 1 and group_of(ticket)
  if group and not looked[group] then
    looked[group] = true
    admit_one(group)
  end
  reply[#reply + 1] = place
end
done()
return reply
