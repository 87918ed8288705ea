-- raw_drop: removes the table of the raw insert rate.
DROP TABLE flotilla_bench_raw
