-- lane_leave: a call waits no more.
-- ? holder  ? provider  ? key  ? model
DELETE FROM lane_line
WHERE holder = ? AND lane = (SELECT id FROM lanes WHERE provider = ? AND key = ? AND model = ?);
