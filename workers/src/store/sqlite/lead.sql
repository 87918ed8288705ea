-- lead: makes a process the one that does a duty, unless another one is.
-- ? duty  ? holder  ? until  ? now
-- Returns a row where it is.
INSERT INTO leads (duty, holder, ends) VALUES (?, ?, ?)
ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, ends = excluded.ends
WHERE holder = excluded.holder OR ends <= ?
RETURNING duty;
