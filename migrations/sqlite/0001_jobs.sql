-- The record and the queue of jobs in one file. Times are milliseconds since the Unix epoch, UTC; money will be
-- micro-dollars. Ids are the 16 bytes of a UUID.
--
-- Wide rows are written once: what changes while a job lives is in the narrow `open_jobs`, whose row goes when the
-- result comes. There are no foreign keys: on the hot path they would cost a look-up a row, and prune deletes a job
-- from every table in one transaction.

CREATE TABLE jobs (
    seq          INTEGER PRIMARY KEY,        -- names the job inside this file
    id           BLOB    NOT NULL,
    kind         TEXT    NOT NULL,
    queue        TEXT    NOT NULL,
    tenant       TEXT    NOT NULL,
    priority     INTEGER NOT NULL,
    group_key    TEXT,
    group_limit  INTEGER,
    created_at   INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    timeout_ms   INTEGER NOT NULL,
    base_ms      INTEGER NOT NULL,           -- back-off
    cap_ms       INTEGER NOT NULL,
    trace        TEXT,
    labels       TEXT,                       -- JSON; NULL for none
    payload      TEXT    NOT NULL            -- JSON; last, so that reading the others never follows a long one
) STRICT;
CREATE UNIQUE INDEX jobs_by_id ON jobs (id);
CREATE INDEX jobs_by_kind   ON jobs (kind, id);
CREATE INDEX jobs_by_queue  ON jobs (queue, id);
CREATE INDEX jobs_by_tenant ON jobs (tenant, id) WHERE tenant <> 'default';

CREATE TABLE job_labels (
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    id    BLOB NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (name, value, id)
) STRICT, WITHOUT ROWID;

-- One row for each unfinished job. `run` is the fence: it rises each time the job is given back.
-- state: 0 scheduled, 1 in its group's line, 2 ready, 3 running, 4 paused. The literals in queries must be these, or
-- the partial indexes are not used. Each index ends in the id, which orders jobs of one moment.
CREATE TABLE open_jobs (
    id          BLOB    PRIMARY KEY,
    seq         INTEGER NOT NULL,
    queue       TEXT    NOT NULL,
    priority    INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    ready_at    INTEGER NOT NULL,
    run         INTEGER NOT NULL DEFAULT 0,
    group_key   TEXT,
    group_limit INTEGER,
    holds       INTEGER NOT NULL DEFAULT 0,  -- 1 while it holds a slot of its group
    failure     INTEGER NOT NULL DEFAULT 0,
    crash       INTEGER NOT NULL DEFAULT 0,
    handover    INTEGER NOT NULL DEFAULT 0,
    throttle    INTEGER NOT NULL DEFAULT 0,
    budget      INTEGER NOT NULL DEFAULT 0,
    cancel      INTEGER NOT NULL DEFAULT 0,
    worker      TEXT,                        -- this and the next two: while running
    lease_until INTEGER,
    started_at  INTEGER,
    paused      TEXT                         -- why, while paused
) STRICT, WITHOUT ROWID;
CREATE INDEX open_ready   ON open_jobs (queue, priority, ready_at)  WHERE state = 2;
CREATE INDEX open_due     ON open_jobs (queue, ready_at)            WHERE state = 0;
CREATE INDEX open_leases  ON open_jobs (queue, lease_until)         WHERE state = 3;
CREATE INDEX open_line    ON open_jobs (queue, group_key, ready_at) WHERE state = 1;
CREATE INDEX open_in_line ON open_jobs (queue, ready_at)            WHERE state = 1;
CREATE INDEX open_holders ON open_jobs (queue, group_key)           WHERE holds = 1;
CREATE INDEX open_paused  ON open_jobs (id)                         WHERE state = 4;

CREATE TABLE job_results (
    seq         INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL,
    state       TEXT    NOT NULL,
    run         INTEGER NOT NULL,
    failure     INTEGER NOT NULL,
    crash       INTEGER NOT NULL,
    handover    INTEGER NOT NULL,
    throttle    INTEGER NOT NULL,
    budget      INTEGER NOT NULL,
    worker      TEXT    NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER NOT NULL,
    error       TEXT,                        -- JSON
    output      TEXT                         -- JSON
) STRICT;
-- Completed jobs are the rule, so a walk over all jobs finds a page of them soon; the exceptions have an index.
CREATE INDEX job_results_exceptions ON job_results (state, id) WHERE state <> 'completed';
CREATE INDEX job_results_by_age     ON job_results (finished_at);

CREATE TABLE job_attempts (
    seq        INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    cause      TEXT    NOT NULL,
    worker     TEXT    NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER NOT NULL,
    error      TEXT,                         -- JSON
    PRIMARY KEY (seq, run)
) STRICT, WITHOUT ROWID;

-- Unique and idempotency keys. Whether one still counts is decided when it is met again, so a result need not touch
-- this table.
CREATE TABLE job_keys (
    key        TEXT PRIMARY KEY,
    id         BLOB NOT NULL,
    scope      TEXT NOT NULL,                -- waiting | unfinished | window
    expires_at INTEGER                       -- window only
) STRICT, WITHOUT ROWID;
CREATE INDEX job_keys_by_job ON job_keys (id);

CREATE TABLE job_output (
    seq   INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    event TEXT    NOT NULL,                  -- JSON
    PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_progress (
    seq      INTEGER PRIMARY KEY,
    progress TEXT NOT NULL                   -- JSON
) STRICT;

-- Settings, and how many unfinished jobs are in which state: changed with them in one transaction, so that nobody
-- ever counts a million rows.
CREATE TABLE queues (
    name        TEXT    PRIMARY KEY,
    paused      INTEGER NOT NULL DEFAULT 0,
    cap         INTEGER,
    scheduled   INTEGER NOT NULL DEFAULT 0,
    pending     INTEGER NOT NULL DEFAULT 0,
    running     INTEGER NOT NULL DEFAULT 0,
    paused_jobs INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The latest wake-ups, for other processes on this file.
CREATE TABLE news (
    n       INTEGER PRIMARY KEY,
    origin  INTEGER NOT NULL,                -- who wrote it: one number for each opening
    signals TEXT    NOT NULL                 -- one a line: `work <queue>`, `cancel <id>`, `changed <id>`
) STRICT;
