-- admit: gives slots of their groups to jobs that were in the line.
-- ? [id in hex, …] (JSON)
UPDATE open_jobs SET state = 2, holds = 1 WHERE id IN (SELECT unhex(value) FROM json_each(?));
