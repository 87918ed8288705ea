-- count_group: notes how many more slots of a group are taken.
-- ? queue  ? group  ? more  ? queue  ? group
INSERT INTO open_groups (queue, name, active) VALUES (?, ?, ?)
ON CONFLICT (queue, name) DO UPDATE SET active = active + excluded.active;
DELETE FROM open_groups WHERE queue = ? AND name = ? AND active <= 0;
