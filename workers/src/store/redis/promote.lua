-- promote: makes due jobs ready.
-- ARGV[4] at most
-- Returns how many, and when the next one is due in ms from now (-1 for none).
local due = redis.call("ZRANGEBYSCORE", DELAYED, "-inf", now, "WITHSCORES", "LIMIT", 0, tonumber(ARGV[4]))
local tickets = {}
for i = 1, #due, 2 do
  tickets[#tickets + 1] = due[i]
  make_ready(due[i], tonumber(due[i + 1]))
end
if #tickets > 0 then redis.call("ZREM", DELAYED, unpack(tickets)) end
done()
local first = redis.call("ZRANGE", DELAYED, 0, 0, "WITHSCORES")
return { #tickets, first[2] and math.max(0, tonumber(first[2]) - now) or -1 }
