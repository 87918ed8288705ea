//! The record in Postgres, edited by hand into states that cannot be.

use crate::{
    servers,
    world::{IMPOSSIBLE_STEPS, LEASE, World},
};
use flotilla_jobs::{JobId, JobState, Options as JobOptions};
use flotilla_workers::store::Settled;
use redis::AsyncTypedCommands;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{ops::Deref, time::Duration};

struct Remote {
    world: World,
    name: String,
}

impl Deref for Remote {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Remote {
    async fn start(name: &str) -> Self {
        Self { world: World::remote(name).await, name: name.to_owned() }
    }

    /// Changes the record; `ID` in the statement is this job.
    async fn edit(&self, id: JobId, statement: &str) {
        let mut connection = PgConnection::connect(&servers::postgres().url()).await.unwrap();
        let statement = statement.replace("ID", &format!("'{id}'"));
        let statement = format!("SET search_path TO {}; {statement}", self.name);
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The queue forgets everything, so that all is read from the record.
    async fn lose_queue(&self) {
        let client = redis::Client::open(servers::redis().url()).unwrap();
        let mut redis = client.get_multiplexed_async_connection().await.unwrap();
        let keys = redis.keys(format!("{{{}:*", self.name)).await.unwrap();
        if !keys.is_empty() {
            redis.del(keys).await.unwrap();
        }
    }
}

const IMPOSSIBLE: [(&str, &str); 17] = [
    ("run_negative", "UPDATE open_jobs SET run = -1 WHERE id = ID"),
    ("run_huge", "UPDATE open_jobs SET run = 2147483647 WHERE id = ID"),
    ("attempts_negative", "UPDATE open_jobs SET attempts = '{0,-3,0,0,0}' WHERE id = ID"),
    ("attempts_null", "UPDATE open_jobs SET attempts = '{NULL}' WHERE id = ID"),
    ("attempts_square", "UPDATE open_jobs SET attempts = '{{1,2},{3,4}}' WHERE id = ID"),
    ("ready_negative", "UPDATE open_jobs SET ready_at = -5 WHERE id = ID"),
    ("ready_never", "UPDATE open_jobs SET ready_at = 9223372036854775807 WHERE id = ID"),
    ("priority_high", "UPDATE jobs SET priority = 77 WHERE id = ID"),
    ("priority_low", "UPDATE jobs SET priority = -1 WHERE id = ID"),
    ("group_negative", "UPDATE jobs SET group_key = 'g', group_limit = -3 WHERE id = ID"),
    ("group_null", "UPDATE jobs SET group_key = 'g', group_limit = NULL WHERE id = ID"),
    ("attempts_none", "UPDATE jobs SET max_attempts = 0 WHERE id = ID"),
    ("attempts_minus", "UPDATE jobs SET max_attempts = -1 WHERE id = ID"),
    ("timeout_minus", "UPDATE jobs SET timeout_ms = -1 WHERE id = ID"),
    ("backoff_empty", "UPDATE jobs SET backoff = '{}' WHERE id = ID"),
    ("backoff_null", "UPDATE jobs SET backoff = '{NULL,1}' WHERE id = ID"),
    ("backoff_minus", "UPDATE jobs SET backoff = '{-1,5}' WHERE id = ID"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_cannot_be_read_fails_its_job_alone() {
    for (n, edit) in IMPOSSIBLE_STEPS.into_iter().enumerate() {
        let w = Remote::start(&format!("step{n}")).await;
        let (claimed, run) = w.with_a_step().await;
        w.edit(claimed.id(), &edit.replace("HASH", r"'\x00'")).await;
        w.fails_for_its_step(&claimed, run, edit).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_fails_alone_when_the_queue_is_rebuilt() {
    for (name, statement) in IMPOSSIBLE {
        let w = Remote::start(&format!("impossible_{name}")).await;
        let victim = w.enqueue(vec![JobOptions::default()]).await[0];
        let others = w.enqueue_mixed().await;
        w.edit(victim, statement).await;
        w.lose_queue().await;
        w.isolates(victim, &others).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_fails_alone_when_its_worker_dies() {
    for (name, statement) in &IMPOSSIBLE[..7] {
        let w = Remote::start(&format!("rescued_{name}")).await;
        let victim = w.enqueue(vec![JobOptions::default()]).await[0];
        assert_eq!(w.claim(1).await[0].id(), victim);
        let others = w.enqueue_mixed().await;
        w.edit(victim, statement).await;
        w.advance(LEASE + Duration::from_secs(1));
        w.isolates(victim, &others).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_that_cannot_be_read_hides_no_other() {
    let w = Remote::start("unreadable_ends").await;
    let edits = [
        ("UPDATE job_results SET state = 'weird' WHERE id = ID", false),
        ("DELETE FROM job_results WHERE id = ID", false),
        ("UPDATE job_results SET attempts = '{-4}', error = '[1]', output = 'null' WHERE id = ID", true),
        ("UPDATE jobs SET labels = '[1]', priority = -7, max_attempts = -7 WHERE id = ID", true),
        ("INSERT INTO job_progress VALUES (ID, '\"x\"')", true),
        ("INSERT INTO job_attempts VALUES (ID, 0, 'weird', 'w', NULL, 5, '[1]', '[1]')", true),
        (
            "INSERT INTO job_output VALUES (ID, 1, -9, '[]'), (ID, 2, 9, '{\"type\": \"output\", \"text\": \"x\"}')",
            true,
        ),
    ];
    let jobs = w.enqueue(vec![JobOptions::default(); edits.len() + 2]).await;
    w.completes(&jobs).await;
    for (id, (statement, _)) in jobs.iter().zip(edits) {
        w.edit(*id, statement).await;
    }
    w.shows(&jobs, &edits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_contradict_each_other_stop_nobody() {
    let w = Remote::start("contradictions").await;
    let jobs = w.enqueue(vec![JobOptions::default(); 8]).await;
    // Open and with a result; open without a description; a run that is in the history already.
    let result = "INSERT INTO job_results (id, state, run, worker, finished_at) VALUES (ID, 'failed', 0, 'w', 5)";
    w.edit(jobs[0], result).await;
    w.edit(jobs[1], "DELETE FROM jobs WHERE id = ID").await;
    w.edit(jobs[2], "INSERT INTO job_attempts VALUES (ID, 0, 'crash', 'w', NULL, 5, NULL)").await;
    w.edit(jobs[3], result).await;
    w.edit(jobs[4], "UPDATE queues SET cap = -1").await;
    let claimed = w.claim(8).await;
    assert_eq!(claimed.len(), 8);
    let one = |id: JobId| claimed.iter().find(|claimed| claimed.id() == id).unwrap();
    assert_eq!(w.complete(one(jobs[0])).await, Settled::LeaseLost, "the result that was first stays");
    assert_eq!(w.retry(one(jobs[2])).await, Settled::Recorded(JobState::Scheduled));
    assert_eq!(w.complete(one(jobs[4])).await, Settled::Recorded(JobState::Completed));
    // The others' worker dies.
    w.advance(LEASE + Duration::from_secs(1));
    let states = w.work_off(&jobs).await;
    for i in [2, 4, 5, 6, 7] {
        assert_eq!(states[&jobs[i]], JobState::Completed, "{i}");
    }
    assert_eq!(w.job(jobs[0]).await.state, JobState::Failed);
}
