-- room: an empty schema for a measurement. Several statements: run it as one script.
DROP SCHEMA IF EXISTS flotilla_bench CASCADE;
CREATE SCHEMA flotilla_bench;
