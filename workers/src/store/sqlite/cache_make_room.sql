-- cache_make_room: drops what a value takes the place of, and some of what is over.
-- ? sort  ? group  ? key  ? sort  ? now  ? at most
DELETE FROM cache WHERE sort = ? AND grp = ? AND key = ?;
DELETE FROM cache WHERE seq IN (SELECT seq FROM cache WHERE sort = ? AND ends <= ? LIMIT ?);
