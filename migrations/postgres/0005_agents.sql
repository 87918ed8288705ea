-- What agents did, step by step, and what it cost. Money is micro-dollars; days are UTC, by the clock of this server.
--
-- Requests and responses are `json`, not `jsonb`: they come back letter by letter, since hashes are made over them.

CREATE TABLE agent_runs (
    run_id     uuid    PRIMARY KEY,
    job_id     uuid    NOT NULL,
    ordinal    integer NOT NULL,             -- from 0, within the job
    agent      text    NOT NULL,
    tenant     text    NOT NULL,
    session    text,
    plan       json    NOT NULL,
    started_at bigint  NOT NULL,
    superseded boolean NOT NULL DEFAULT false,
    UNIQUE (job_id, ordinal)
);
ALTER TABLE agent_runs ALTER COLUMN plan SET COMPRESSION lz4;

CREATE TABLE agent_steps (
    run_id      uuid    NOT NULL,
    thread      integer NOT NULL,
    seq         integer NOT NULL,
    kind        text    NOT NULL,            -- decision | llm | tool | effect
    name        text    NOT NULL,
    input_hash  bytea   NOT NULL,
    attempt     integer NOT NULL,            -- calls begun for it
    done_by     integer,                     -- the call that finished it, 0 where there was none; NULL while not done
    started_at  bigint  NOT NULL,
    finished_at bigint,
    request     json,
    response    json,
    PRIMARY KEY (run_id, thread, seq)
);
ALTER TABLE agent_steps ALTER COLUMN request SET COMPRESSION lz4;
ALTER TABLE agent_steps ALTER COLUMN response SET COMPRESSION lz4;

-- One row for each call, also for those that failed or whose worker died. Those with a provider are the ledger: they
-- outlive their job. A cost that is not known is NULL and is part of no sum.
CREATE TABLE agent_calls (
    run_id          uuid    NOT NULL,
    thread          integer NOT NULL,
    seq             integer NOT NULL,
    attempt         integer NOT NULL,
    job_id          uuid    NOT NULL,
    job_run         integer NOT NULL,        -- the fence of the lease it was begun under: `open_jobs.run`
    agent           text    NOT NULL,
    tenant          text    NOT NULL,
    session         text,
    provider        text,                    -- NULL where nothing is paid
    model           text,
    price           json,                    -- as it was then
    held_cost       bigint  NOT NULL,        -- what it held while it was open
    held_tokens     bigint  NOT NULL,
    estimated_input bigint  NOT NULL,
    outcome         text    NOT NULL,        -- open | done | lost | the code it failed with
    error           text,
    input           bigint,                  -- this and the next five are NULL where the provider did not say
    cache_read      bigint,
    cache_write     bigint,
    cache_write_1h  bigint,
    output          bigint,
    reasoning       bigint,                  -- part of output
    cost            bigint,
    request_id      text,
    day             text    COLLATE "C" NOT NULL,
    started_at      bigint  NOT NULL,
    finished_at     bigint,
    PRIMARY KEY (run_id, thread, seq, attempt)
);
CREATE INDEX agent_calls_by_day   ON agent_calls (day) WHERE provider IS NOT NULL;
CREATE INDEX agent_calls_open     ON agent_calls (job_id) WHERE outcome = 'open';
CREATE INDEX agent_calls_by_model ON agent_calls (model, started_at)
    WHERE outcome = 'done' AND provider IS NOT NULL AND input IS NOT NULL;

-- How full each budget is. Rows change with every call, so each page keeps room for their next versions.
CREATE TABLE budgets (
    scope        text   COLLATE "C" NOT NULL, -- job:<id> | session:<name> | tenant:<name> | fleet
    period       text   COLLATE "C" NOT NULL, -- total | the day
    spent_cost   bigint NOT NULL,
    spent_tokens bigint NOT NULL,
    held_cost    bigint NOT NULL,
    held_tokens  bigint NOT NULL,
    PRIMARY KEY (scope, period)
) WITH (fillfactor = 50);
CREATE INDEX budgets_by_day ON budgets (period) WHERE period <> 'total';

-- Why jobs wait for a budget. It is the reason of a pause only where `open_jobs.run` is one more than `job_run`.
CREATE TABLE budget_refusals (
    job_id  uuid    PRIMARY KEY,
    job_run integer NOT NULL,
    refused json    NOT NULL
);
