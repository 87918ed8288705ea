-- promote: makes due jobs ready.
-- ARGV[4] at most
-- Returns how many, and when the next one is due in ms from now (-1 for none).
local function next_due() return tonumber(redis.call("ZRANGE", DELAYED, 0, 0, "WITHSCORES")[2]) end

-- Most calls find nothing due: they look once.
local next_at = next_due()
local tickets = {}
if next_at and next_at <= now then
  local due = redis.call("ZRANGEBYSCORE", DELAYED, "-inf", now, "WITHSCORES", "LIMIT", 0, tonumber(ARGV[4]))
  for i = 1, #due, 2 do
    tickets[#tickets + 1] = due[i]
    make_ready(due[i], tonumber(due[i + 1]))
  end
  -- They are the first: cut off in one piece, without a search for each.
  redis.call("ZREMRANGEBYRANK", DELAYED, 0, #tickets - 1)
  done()
  next_at = next_due()
end
return { #tickets, next_at and math.max(0, next_at - now) or -1 }
