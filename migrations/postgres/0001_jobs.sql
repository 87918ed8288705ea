-- The record of jobs. Times are milliseconds since the Unix epoch, UTC; money will be micro-dollars.
--
-- The hot path only inserts: a job, an open id, a result. What is unfinished is the narrow `open_jobs`, whose row
-- goes with the result, so no wide row is ever rewritten. There are no foreign keys: on the hot path they would cost
-- a look-up a row, and prune deletes a job from every table in one statement.

CREATE TABLE jobs (
    id           uuid     PRIMARY KEY,
    kind         text     NOT NULL,
    queue        text     NOT NULL,
    tenant       text     NOT NULL,
    priority     smallint NOT NULL,
    group_key    text,
    group_limit  smallint,
    created_at   bigint   NOT NULL,
    max_attempts integer  NOT NULL,
    timeout_ms   bigint   NOT NULL,
    backoff      bigint[] NOT NULL,          -- base_ms, cap_ms
    trace        text,
    labels       jsonb,                      -- NULL for none
    payload      jsonb    NOT NULL
);
ALTER TABLE jobs ALTER COLUMN payload SET COMPRESSION lz4;
CREATE INDEX jobs_by_kind   ON jobs (kind, id);
CREATE INDEX jobs_by_queue  ON jobs (queue, id);
CREATE INDEX jobs_by_tenant ON jobs (tenant, id) WHERE tenant <> 'default';
CREATE INDEX jobs_by_label  ON jobs USING gin (labels jsonb_path_ops) WHERE labels IS NOT NULL;
CREATE INDEX jobs_by_age    ON jobs USING brin (created_at);

-- One row for each unfinished job. `run` is the record's fence: it rises each time the job is given back.
CREATE TABLE open_jobs (
    id       uuid    PRIMARY KEY,
    run      integer NOT NULL,
    ready_at bigint  NOT NULL,
    attempts integer[],                      -- failure, crash, handover, throttle, budget; NULL for none
    paused   text,                           -- why; NULL when not paused
    cancel   boolean NOT NULL DEFAULT false
);
CREATE INDEX open_jobs_paused ON open_jobs (id) WHERE paused IS NOT NULL;
CREATE INDEX open_jobs_cancel ON open_jobs (id) WHERE cancel;

CREATE TABLE job_results (
    id          uuid    PRIMARY KEY,
    state       text    NOT NULL,
    run         integer NOT NULL,
    attempts    integer[],
    worker      text    NOT NULL,
    started_at  bigint,
    finished_at bigint  NOT NULL,
    output      jsonb,
    error       jsonb
);
-- Completed jobs are the rule, so the primary key serves a list of them; the exceptions have an index.
CREATE INDEX job_results_exceptions ON job_results (state, id) WHERE state <> 'completed';
CREATE INDEX job_results_by_age     ON job_results USING brin (finished_at);

CREATE TABLE job_attempts (
    job_id     uuid    NOT NULL,
    run        integer NOT NULL,
    cause      text    NOT NULL,
    worker     text    NOT NULL,
    started_at bigint,
    ended_at   bigint  NOT NULL,
    error      jsonb,
    PRIMARY KEY (job_id, run)
);

-- Unique and idempotency keys. Whether one still counts is decided when it is met again, so a result need not
-- touch this table.
CREATE TABLE job_keys (
    key        text   PRIMARY KEY,
    job_id     uuid   NOT NULL,
    scope      text   NOT NULL,              -- waiting | unfinished | window
    expires_at bigint                        -- window only
);
CREATE INDEX job_keys_by_job ON job_keys (job_id);

CREATE TABLE job_output (
    job_id uuid   NOT NULL,
    seq    bigint NOT NULL,
    at     bigint NOT NULL,
    event  jsonb  NOT NULL,
    PRIMARY KEY (job_id, seq)
);

CREATE TABLE job_progress (
    job_id   uuid  PRIMARY KEY,
    progress jsonb NOT NULL
);

CREATE TABLE queues (
    name   text    PRIMARY KEY,
    paused boolean NOT NULL DEFAULT false,
    cap    integer
);
