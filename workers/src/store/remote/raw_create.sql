-- raw_create: a table of the shape of `jobs`, with its indexes, for the raw insert rate; dropped after the measurement.
CREATE TABLE flotilla_bench_raw (LIKE jobs INCLUDING ALL)
