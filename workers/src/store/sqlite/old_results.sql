-- old_results: jobs to prune, those that ended first in front.
-- ? state  ? ended at or before  ? at most
SELECT seq FROM job_results WHERE state = ? AND finished_at <= ? ORDER BY finished_at, seq LIMIT ? + 0;
