//! The file, edited by hand into states that cannot be.

use crate::world::{IMPOSSIBLE_STEPS, LEASE, World, clock};
use flotilla_jobs::{JobId, JobState, Options as JobOptions};
use flotilla_workers::store::{
    Settled,
    sqlite::{Options, open},
};
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use std::{ops::Deref, path::PathBuf, time::Duration};
use tempfile::TempDir;

struct File {
    world: World,
    path: PathBuf,
    _dir: TempDir,
}

impl Deref for File {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl File {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.db");
        let (clock, now) = clock();
        let store = open(Options { path: path.clone(), clock }).await.unwrap();
        Self { world: World::new(store, now), path, _dir: dir }
    }

    /// Changes the file; `ID` in the statement is this job.
    async fn edit(&self, id: JobId, statement: &str) {
        let mut file = SqliteConnection::connect(&format!("sqlite:{}", self.path.display())).await.unwrap();
        let statement = statement.replace("ID", &format!("x'{}'", id.to_string().replace('-', "")));
        file.execute(AssertSqlSafe(statement)).await.unwrap();
        file.close().await.unwrap();
    }
}

const IMPOSSIBLE: [&str; 21] = [
    "UPDATE open_jobs SET state = 77 WHERE id = ID",
    "UPDATE open_jobs SET state = -1 WHERE id = ID",
    "UPDATE open_jobs SET state = 1 WHERE id = ID",
    "UPDATE open_jobs SET state = 3, lease_until = NULL WHERE id = ID",
    "UPDATE open_jobs SET state = 5 WHERE id = ID",
    "UPDATE open_jobs SET state = 5, kind = 'weird' WHERE id = ID",
    "UPDATE open_jobs SET run = -1 WHERE id = ID",
    "UPDATE open_jobs SET run = 9223372036854775807 WHERE id = ID",
    "UPDATE open_jobs SET crash = -3 WHERE id = ID",
    "UPDATE open_jobs SET failure = 9223372036854775807 WHERE id = ID",
    "UPDATE open_jobs SET ready_at = -5 WHERE id = ID",
    "UPDATE open_jobs SET ready_at = 9223372036854775807 WHERE id = ID",
    "UPDATE open_jobs SET priority = 77 WHERE id = ID",
    "UPDATE open_jobs SET group_key = 'g', group_limit = -3 WHERE id = ID",
    "UPDATE jobs SET payload = '{' WHERE id = ID",
    "UPDATE jobs SET payload = '' WHERE id = ID",
    "UPDATE jobs SET max_attempts = -1 WHERE id = ID",
    "UPDATE jobs SET max_attempts = 0 WHERE id = ID",
    "UPDATE jobs SET timeout_ms = -1 WHERE id = ID",
    "UPDATE jobs SET base_ms = -1 WHERE id = ID",
    "UPDATE jobs SET cap_ms = -9223372036854775807 WHERE id = ID",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_fails_alone() {
    for statement in IMPOSSIBLE {
        let w = File::start().await;
        let victim = w.enqueue(vec![JobOptions::default()]).await[0];
        let others = w.enqueue_mixed().await;
        w.edit(victim, statement).await;
        println!("{statement}");
        w.isolates(victim, &others).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_fails_alone_when_its_worker_dies() {
    for statement in &IMPOSSIBLE[6..14] {
        let w = File::start().await;
        let victim = w.enqueue(vec![JobOptions::default()]).await[0];
        assert_eq!(w.claim(1).await[0].id(), victim);
        let others = w.enqueue_mixed().await;
        w.edit(victim, statement).await;
        w.advance(LEASE + Duration::from_secs(1));
        println!("{statement}");
        w.isolates(victim, &others).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_cannot_be_read_fails_its_job_alone() {
    let broken =
        "UPDATE agent_steps SET response = '{' WHERE run_id IN (SELECT run_id FROM agent_runs WHERE job_id = ID)";
    for edit in IMPOSSIBLE_STEPS.into_iter().chain([broken]) {
        let w = File::start().await;
        let (claimed, run) = w.with_a_step().await;
        w.edit(claimed.id(), &edit.replace("HASH", "x'00'")).await;
        w.fails_for_its_step(&claimed, run, edit).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_that_cannot_be_read_hides_no_other() {
    let w = File::start().await;
    let of = "(SELECT seq FROM jobs WHERE id = ID)";
    let edits = [
        ("UPDATE job_results SET state = 'weird' WHERE id = ID".to_owned(), false),
        ("DELETE FROM job_results WHERE id = ID".to_owned(), false),
        ("UPDATE job_results SET crash = -4, error = '[1]', output = '{' WHERE id = ID".to_owned(), true),
        (
            "UPDATE jobs SET labels = '[1]', priority = -7, max_attempts = -7, payload = '{' WHERE id = ID".to_owned(),
            true,
        ),
        (format!("INSERT INTO job_progress VALUES ({of}, '\"x\"')"), true),
        (format!("INSERT INTO job_attempts VALUES ({of}, 0, 'weird', 'w', NULL, 5, '[1]', '[1]')"), true),
        (
            format!(
                "INSERT INTO job_output VALUES ({of}, 1, -9, '['), ({of}, 2, 9, '{{\"type\":\"output\",\"text\":\"x\"}}')"
            ),
            true,
        ),
    ];
    let jobs = w.enqueue(vec![JobOptions::default(); edits.len() + 2]).await;
    w.completes(&jobs).await;
    for (id, (statement, _)) in jobs.iter().zip(&edits) {
        w.edit(*id, statement).await;
    }
    w.shows(&jobs, &edits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_contradict_each_other_stop_nobody() {
    let w = File::start().await;
    let jobs = w.enqueue(vec![JobOptions::default(); 10]).await;
    let result = "INSERT INTO job_results SELECT seq, id, 'failed', 0, 0, 0, 0, 0, 0, 'w', NULL, 5, NULL, NULL FROM jobs WHERE id = ID";
    w.edit(jobs[0], result).await;
    w.edit(jobs[1], "DELETE FROM jobs WHERE id = ID").await;
    w.edit(
        jobs[2],
        "INSERT INTO job_attempts SELECT seq, 0, 'crash', 'w', NULL, 5, NULL, NULL FROM jobs WHERE id = ID",
    )
    .await;
    w.edit(jobs[3], result).await;
    w.edit(jobs[8], "UPDATE open_jobs SET id = x'00' WHERE id = ID").await;
    w.edit(
        jobs[9],
        "UPDATE open_jobs SET id = x'ffffffffffffffffffffffffffffffffff', state = 0, ready_at = 5 WHERE id = ID",
    )
    .await;
    w.edit(jobs[4], "UPDATE queues SET cap = -1, running = -7, pending = -7").await;
    let grouped =
        || JobOptions { group: Some(flotilla_jobs::Group { key: "g".into(), limit: 1 }), ..JobOptions::default() };
    let grouped = w.enqueue(vec![grouped(), grouped()]).await;
    w.edit(jobs[4], "UPDATE open_groups SET active = 99999").await;
    let mut claimed = w.claim(11).await;
    claimed.retain(|claimed| claimed.id() != grouped[0]);
    let one = |id: JobId| claimed.iter().find(|claimed| claimed.id() == id).unwrap();
    assert_eq!(claimed.len(), 7, "one is not described, two have no id");
    w.complete(one(jobs[0])).await;
    assert_eq!(w.retry(one(jobs[2])).await, Settled::Recorded(JobState::Scheduled));
    assert_eq!(w.complete(one(jobs[4])).await, Settled::Recorded(JobState::Completed));
    w.advance(LEASE + Duration::from_secs(1));
    let work: Vec<JobId> = [2, 4, 5, 6, 7].map(|i| jobs[i]).into_iter().chain(grouped).collect();
    let states = w.work_off(&work).await;
    assert!(work.iter().all(|id| states[id] == JobState::Completed), "{states:?}");
    assert_eq!(w.job(jobs[0]).await.state, JobState::Failed, "the result that was first stays");
    let queue = w.store.queues().await.unwrap().remove(0);
    assert_eq!((queue.pending, queue.running, queue.scheduled), (0, 0, 0));
}
