-- scan_open: a page of unfinished jobs by id.
-- ? after this id  ? at most
SELECT id FROM open_jobs WHERE id > ? ORDER BY id LIMIT ? + 0;
