-- lane_wait: a call waits. It keeps the place it has.
-- ? lane  ? holder  ? input  ? output  ? due
INSERT INTO lane_line (lane, holder, input, output, due) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (lane, holder) DO UPDATE SET input = excluded.input, output = excluded.output, due = excluded.due;
