-- What agents did, step by step, and what it cost. Money is micro-dollars; days are UTC.

CREATE TABLE agent_runs (
    run_id     BLOB    PRIMARY KEY,
    job_id     BLOB    NOT NULL,
    ordinal    INTEGER NOT NULL,             -- from 0, within the job
    agent      TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    session    TEXT,
    started_at INTEGER NOT NULL,
    superseded INTEGER NOT NULL DEFAULT 0,
    plan       TEXT    NOT NULL              -- JSON
) STRICT;
CREATE UNIQUE INDEX agent_runs_by_job ON agent_runs (job_id, ordinal);

CREATE TABLE agent_steps (
    run_id      BLOB    NOT NULL,
    thread      INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    kind        TEXT    NOT NULL,            -- decision | llm | tool | effect
    name        TEXT    NOT NULL,
    input_hash  BLOB    NOT NULL,
    attempt     INTEGER NOT NULL,            -- calls begun for it
    done_by     INTEGER,                     -- the call that finished it, 0 where there was none; NULL while not done
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    request     TEXT,                        -- JSON
    response    TEXT,                        -- JSON
    PRIMARY KEY (run_id, thread, seq)
) STRICT;

-- One row for each call, also for those that failed or whose worker died. Those with a provider are the ledger: they
-- outlive their job. A cost that is not known is NULL and is part of no sum.
CREATE TABLE agent_calls (
    run_id          BLOB    NOT NULL,
    thread          INTEGER NOT NULL,
    seq             INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    job_id          BLOB    NOT NULL,
    job_run         INTEGER NOT NULL,        -- the fence of the lease it was begun under: `open_jobs.run`
    agent           TEXT    NOT NULL,
    tenant          TEXT    NOT NULL,
    session         TEXT,
    provider        TEXT,                    -- NULL where nothing is paid
    model           TEXT,
    price           TEXT,                    -- JSON, as it was then
    held_cost       INTEGER NOT NULL,        -- what it held while it was open
    held_tokens     INTEGER NOT NULL,
    estimated_input INTEGER NOT NULL,
    outcome         TEXT    NOT NULL,        -- open | done | lost | the code it failed with
    error           TEXT,
    input           INTEGER,                 -- this and the next five are NULL where the provider did not say
    cache_read      INTEGER,
    cache_write     INTEGER,
    cache_write_1h  INTEGER,
    output          INTEGER,
    reasoning       INTEGER,                 -- part of output
    cost            INTEGER,
    request_id      TEXT,
    day             TEXT    NOT NULL,
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    PRIMARY KEY (run_id, thread, seq, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_calls_by_day   ON agent_calls (day) WHERE provider IS NOT NULL;
CREATE INDEX agent_calls_open     ON agent_calls (job_id) WHERE outcome = 'open';
CREATE INDEX agent_calls_by_model ON agent_calls (model, started_at)
    WHERE outcome = 'done' AND provider IS NOT NULL AND input IS NOT NULL;

-- How full each budget is.
CREATE TABLE budgets (
    scope        TEXT    NOT NULL,           -- job:<id> | session:<name> | tenant:<name> | fleet
    period       TEXT    NOT NULL,           -- total | the day
    spent_cost   INTEGER NOT NULL,
    spent_tokens INTEGER NOT NULL,
    held_cost    INTEGER NOT NULL,
    held_tokens  INTEGER NOT NULL,
    PRIMARY KEY (scope, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX budgets_by_day ON budgets (period) WHERE period <> 'total';

-- Why jobs wait for a budget. It is the reason of a pause only where `open_jobs.run` is one more than `job_run`.
CREATE TABLE budget_refusals (
    job_id  BLOB    PRIMARY KEY,
    job_run INTEGER NOT NULL,
    refused TEXT    NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;
