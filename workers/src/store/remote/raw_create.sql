-- raw_create: a table for the raw insert rate; it is dropped after the measurement.
CREATE TABLE IF NOT EXISTS flotilla_bench_raw (id uuid PRIMARY KEY, payload jsonb NOT NULL)
