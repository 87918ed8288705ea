-- lane_go: a call is let through.
-- ? lane  ? holder  ? lane  ? id of its stream  ? ends
DELETE FROM lane_line WHERE lane = ? AND holder = ?;
INSERT INTO lane_streams (lane, id, ends) VALUES (?, ?, ?) ON CONFLICT (lane, id) DO UPDATE SET ends = excluded.ends;
