-- Calls of tools that wait for a person, one row for each step that asked. A decision is written once.

CREATE TABLE approvals (
    id           BLOB PRIMARY KEY,
    run_id       BLOB NOT NULL,
    thread       INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    job_id       BLOB NOT NULL,
    job_run      INTEGER NOT NULL,             -- the fence of the lease under which it was asked for last: `open_jobs.run`
    tenant       TEXT NOT NULL,
    agent        TEXT NOT NULL,
    tool         TEXT NOT NULL,
    input_hash   BLOB NOT NULL,             -- of the step: another call needs another approval
    arguments    TEXT NOT NULL,             -- as people are shown them
    decision     TEXT NOT NULL DEFAULT 'pending', -- pending | approved | denied | expired | ended
    heard        INTEGER NOT NULL DEFAULT 0, -- whether the job knows the decision
    said_by      TEXT,
    reason       TEXT,
    requested_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    decided_at   INTEGER,
    UNIQUE (run_id, thread, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_by_job  ON approvals (job_id);
CREATE INDEX approvals_unheard ON approvals (decision, job_id) WHERE heard = 0;
