-- lane_list: lanes that were used lately, as they are.
-- ? now  ? now  ? since  ? at most
SELECT
    lanes.provider AS provider, key, model, asleep, open_until,
    (SELECT count(*) FROM lane_streams WHERE lane = lanes.id AND ends > ?) AS streams,
    (SELECT count(*) FROM lane_line WHERE lane = lanes.id AND due >= ?) AS waiting
FROM lanes LEFT JOIN breakers ON breakers.provider = lanes.provider
WHERE used_at >= ? ORDER BY lanes.provider, key, model LIMIT ?;
