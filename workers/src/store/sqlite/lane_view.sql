-- lane_view: what there is in a lane when a call asks: who is in front of it, and what those need; the streams.
-- ? lane  ? holder  ? lane  ? places to look at  ? lane  ? lane  ? id of its stream  ? lane  ? id of its stream
-- Returns one row.
WITH mine AS (
    SELECT coalesce((SELECT number FROM lane_line WHERE lane = ? AND holder = ?), 9223372036854775807) AS number
), ahead AS (
    SELECT input, output FROM lane_line, mine WHERE lane = ? AND lane_line.number < mine.number
    ORDER BY lane_line.number LIMIT ?
)
SELECT
    (SELECT count(*) FROM lane_line, mine WHERE lane = ? AND lane_line.number < mine.number) AS place,
    (SELECT number FROM mine) < 9223372036854775807 AS waits,
    (SELECT coalesce(sum(input), 0) FROM ahead) AS input,
    (SELECT coalesce(sum(output), 0) FROM ahead) AS output,
    (SELECT count(*) FROM lane_streams WHERE lane = ? AND id <> ?) AS streams,
    EXISTS (SELECT 1 FROM lane_streams WHERE lane = ? AND id = ?) AS has_stream;
