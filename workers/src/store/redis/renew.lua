-- renew: extends leases.
-- ARGV[4] lease in ms  ARGV[5..] for each lease: ticket, token
-- Returns for each: 0 lost | 1 kept | 2 kept, and someone asked to cancel the job
local tickets = {}
for i = FIRST + 1, #ARGV, 2 do tickets[#tickets + 1] = ARGV[i] end
if #tickets == 0 then return {} end
local values = redis.call("HMGET", TOKENS, unpack(tickets))
local asked = redis.call("SMISMEMBER", CANCELS, unpack(tickets))
local ends = now + tonumber(ARGV[4])

local reply, leases = {}, {}
for i, ticket in ipairs(tickets) do
  if token_of(values[i]) == ARGV[FIRST + i * 2] then
    leases[#leases + 1], leases[#leases + 2] = ends, ticket
    reply[i] = 1 + asked[i]
  else
    reply[i] = 0
  end
end
-- Also one that is missing there: whoever has its token holds it.
if #leases > 0 then redis.call("ZADD", LEASES, unpack(leases)) end
return reply
