-- lane_clear: takes what counts no more out of a lane: streams of dead workers, and waiters who did not come.
-- ? lane  ? now  ? lane  ? now
DELETE FROM lane_streams WHERE lane = ? AND ends <= ?;
DELETE FROM lane_line WHERE lane = ? AND due < ?;
