-- cache_drop: drops entries of a sort, of one group or of all.
-- ? sort  ? group or null  ? group or null  ? at most
DELETE FROM cache WHERE seq IN (SELECT seq FROM cache WHERE sort = ? AND (? IS NULL OR grp = ?) LIMIT ?);
