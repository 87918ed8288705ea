-- lane_save: writes what is left of a lane's limits, and until when it sleeps.
-- ? pace  ? asleep  ? lane
UPDATE lanes SET pace = ?, asleep = ? WHERE id = ?;
