-- none_delayed: put in front of `promote`, so that a worker with nothing to do costs one command and no clock.
-- KEYS[2] delayed
-- Returns what `promote` does where nothing is delayed.
if redis.call("EXISTS", KEYS[2]) == 0 then return { 0, -1 } end

