-- lane_old: removes lanes that nobody has used since.
-- ? since
DELETE FROM lanes WHERE used_at < ?;
DELETE FROM lane_streams WHERE lane NOT IN (SELECT id FROM lanes);
DELETE FROM lane_line WHERE lane NOT IN (SELECT id FROM lanes);
