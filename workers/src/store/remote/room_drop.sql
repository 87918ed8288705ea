-- room_drop: removes the schema of a measurement.
DROP SCHEMA IF EXISTS flotilla_bench CASCADE
