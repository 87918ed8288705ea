-- lane_release: a call that was let through has ended.
-- ? lane  ? id of its stream
-- Changes a row where it still counted.
DELETE FROM lane_streams WHERE lane = ? AND id = ?;
