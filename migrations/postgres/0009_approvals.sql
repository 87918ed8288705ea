-- Calls of tools that wait for a person, one row for each step that asked. A decision is written once.

CREATE TABLE approvals (
    id           uuid PRIMARY KEY,
    run_id       uuid NOT NULL,
    thread       integer NOT NULL,
    seq          integer NOT NULL,
    job_id       uuid NOT NULL,
    job_run      integer NOT NULL,             -- the fence of the lease under which it was asked for last: `open_jobs.run`
    tenant       text NOT NULL,
    agent        text NOT NULL,
    tool         text NOT NULL,
    input_hash   bytea NOT NULL,             -- of the step: another call needs another approval
    arguments    text NOT NULL,             -- as people are shown them
    decision     text NOT NULL DEFAULT 'pending', -- pending | approved | denied | expired | ended
    heard        boolean NOT NULL DEFAULT false, -- whether the job knows the decision
    said_by      text,
    reason       text,
    requested_at bigint NOT NULL,
    expires_at   bigint NOT NULL,
    decided_at   bigint,
    UNIQUE (run_id, thread, seq)
);
CREATE INDEX approvals_by_job  ON approvals (job_id);
CREATE INDEX approvals_unheard ON approvals (decision, job_id) WHERE NOT heard;
