-- raise_run: raises the fence of jobs the queue lost, so that a worker which still runs one can record nothing.
-- $1 ids  $2 runs
-- Returns the ids raised; an id left out has moved on.
UPDATE open_jobs o SET run = o.run + 1
FROM unnest($1::uuid[], $2::integer[]) AS i (id, run)
WHERE o.id = i.id AND o.run = i.run AND o.paused IS NULL
RETURNING o.id
