-- lane_open: a lane as it is, and its provider's breaker; the lane is made where there is none.
-- ? provider  ? key  ? model  ? now  ? provider
-- Returns a row of the lane, and one of the breaker where it knows something.
INSERT INTO lanes (provider, key, model, used_at) VALUES (?, ?, ?, ?)
ON CONFLICT (provider, key, model) DO UPDATE SET used_at = excluded.used_at
RETURNING id, pace, asleep;
SELECT failures, open_until, trial, trial_ends FROM breakers WHERE provider = ?;
