-- cancel_flag: whether someone asked for a running job to be cancelled.
-- ? id  ? run
SELECT cancel <> 0 AS cancel FROM open_jobs WHERE id = ? AND run = ?;
