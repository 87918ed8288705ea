-- miscounted: whether a queue has fewer than no jobs in some state, and whether a group has more slots than one can.
SELECT EXISTS (SELECT 1 FROM queues WHERE min(scheduled, pending, running, paused_jobs) < 0) AS queues,
       EXISTS (SELECT 1 FROM open_groups WHERE active NOT BETWEEN 1 AND 1000) AS groups;
