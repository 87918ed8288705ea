-- none_leased: put in front of `expire`, as `none_delayed` is before `promote`.
-- KEYS[3] leases
-- Returns what `expire` does where nothing is leased.
if redis.call("EXISTS", KEYS[3]) == 0 then return { 0 } end

