-- read_output: live events of a job above a number, in order.
-- ? id  ? above this number  ? at most
SELECT n, at, event FROM job_output WHERE seq = (SELECT seq FROM jobs WHERE id = ?) AND n > ? ORDER BY n LIMIT ? + 0;
