-- Jobs that wait for a worker which knows their kind, who does what only one process does, and keys by their end.

-- A state more: 5 parked, ready but of a kind that the worker which met it does not know. `kind` is set meanwhile. The
-- index holds these only, so the hot path does not pay for it.
ALTER TABLE open_jobs ADD COLUMN kind TEXT;
CREATE INDEX open_parked ON open_jobs (queue, kind, priority, ready_at) WHERE state = 5;

-- Who does for all processes of this file what only one of them does.
CREATE TABLE leads (
    duty   TEXT    PRIMARY KEY,
    holder TEXT    NOT NULL,
    ends   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX job_keys_by_end ON job_keys (expires_at) WHERE expires_at IS NOT NULL;
