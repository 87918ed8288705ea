//! Migrations on databases that are in use: they only go forward, and lose nothing.

#[path = "support/servers.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod servers;

use flotilla_jobs::{Fault, Filter, Group, NewJob, Options as JobOptions, Priority, Unique, UniqueScope};
use flotilla_workers::{
    clock::Clock,
    store::{Claim, End, OpenError, Settle, Store, Submission, remote, sqlite},
};
use serde_json::{json, value::RawValue};
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::{path::PathBuf, time::Duration};

/// Every migration, in order.
fn names() -> Vec<String> {
    let dir = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite")).unwrap();
    let stem = |file: PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<String> = dir.map(|file| stem(file.unwrap().path())).collect();
    names.sort_unstable();
    names
}

/// Jobs in every state that a migration may meet.
async fn fill(store: &dyn Store) {
    let job = |n: usize| {
        let options = JobOptions {
            priority: Priority::try_from((n % 10) as u8).ok(),
            group: n.is_multiple_of(3).then(|| Group { key: "g".to_owned(), limit: 1 }),
            unique: n.is_multiple_of(4).then(|| Unique { key: format!("u{n}"), scope: UniqueScope::Unfinished }),
            labels: [("team".to_owned(), format!("t{}", n % 2))].into(),
            run_at: n.is_multiple_of(5).then_some(jiff::Timestamp::MAX),
            ..JobOptions::default()
        };
        let job: NewJob = serde_json::from_value(json!({ "kind": "noop", "payload": { "n": n } })).unwrap();
        Submission::new(job.with(options), JobOptions::default()).unwrap()
    };
    store.enqueue((0..60).map(job).collect()).await.unwrap();
    let queues = [("default".to_owned(), 12)];
    let ask = Claim { worker: "one", queues: &queues, kinds: None, lease_ttl: Duration::from_mins(1) };
    let ends = [
        End::Completed(RawValue::NULL.to_owned()),
        End::Failed(Fault::new("broken", "for good")),
        End::Retry(Fault::new("flaky", "for now"), Duration::from_mins(5)),
        End::Paused("no budget".to_owned()),
        End::Cancelled("by its handler".to_owned()),
        End::HandedOver,
    ];
    let claimed = store.claim(ask).await.unwrap();
    // As many again stay running.
    let ended = claimed.into_iter().take(6).zip(ends);
    let ends = ended.map(|(c, end)| Settle::new(c.lease, c.claimed_at, end)).collect();
    store.settle(ends).await.unwrap();
}

/// All that is on record, as text.
async fn all(store: &dyn Store) -> String {
    let page = store.list(&Filter::default(), None, 1_000).await.unwrap();
    assert_eq!(page.jobs.len(), 60);
    let mut jobs = Vec::new();
    for job in page.jobs {
        jobs.push(store.get(job.id).await.unwrap());
    }
    serde_json::to_string_pretty(&jobs).unwrap()
}

#[tokio::test]
async fn a_postgres_in_use_keeps_what_it_has() {
    let (redis, postgres) = (servers::redis(), servers::postgres());
    let options = remote::Options {
        prefix: "migrations".to_owned(),
        // A name that SQL takes only in quotes, and that nobody made.
        schema: Some("Mine and \"yours\"".to_owned()),
        ..remote::Options::new(redis.url().into(), postgres.url().into())
    };
    assert_eq!(remote::migrate(&options).await.unwrap(), names());
    let store = remote::open(options.clone()).await.unwrap();
    fill(&*store).await;
    let before = all(&*store).await;

    assert!(remote::migrate(&options).await.unwrap().is_empty());
    assert_eq!(all(&*store).await, before);
    // A newer version was here first: it is served all the same, since migrations only add.
    let mut conn = PgConnection::connect(&postgres.url()).await.unwrap();
    let mut sql = async |sql: &'static str| {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    };
    sql(r#"SET search_path = "Mine and ""yours""""#).await;
    sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', true, 'x', 0)")
    .await;
    assert!(remote::migrate(&options).await.unwrap().is_empty());
    let newer = remote::open(options.clone()).await.unwrap();
    assert_eq!(all(&*newer).await, before);
    // One that lacks a migration is refused by name.
    sql("DELETE FROM _sqlx_migrations WHERE version = 1").await;
    let refused = remote::open(options).await.err();
    assert!(matches!(&refused, Some(OpenError::NotMigrated { missing }) if missing == "0001_jobs"), "{refused:?}");
}

#[tokio::test]
async fn a_file_in_use_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let options = sqlite::Options { path: dir.path().join("jobs.db"), clock: Clock::Store };
    assert_eq!(sqlite::migrate(&options).await.unwrap(), names());
    let store = sqlite::open(options.clone()).await.unwrap();
    fill(&*store).await;
    let before = all(&*store).await;
    store.close().await;

    assert!(sqlite::migrate(&options).await.unwrap().is_empty());
    let mut conn = SqliteConnection::connect(&format!("sqlite:{}", options.path.display())).await.unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, 'x', 0)";
    sqlx::query(later).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let newer = sqlite::open(options).await.unwrap();
    assert_eq!(all(&*newer).await, before);
}

#[tokio::test]
async fn a_file_from_before_slots_were_counted_counts_them() {
    let dir = tempfile::tempdir().unwrap();
    let options = sqlite::Options { path: dir.path().join("jobs.db"), clock: Clock::Store };
    let store = sqlite::open(options.clone()).await.unwrap();
    fill(&*store).await;
    store.close().await;
    let mut conn = SqliteConnection::connect(&format!("sqlite:{}", options.path.display())).await.unwrap();
    let slots = "SELECT queue, name, active FROM open_groups";
    let before: Vec<(String, String, i64)> = sqlx::query_as(slots).fetch_all(&mut conn).await.unwrap();
    assert_eq!(before, [("default".to_owned(), "g".to_owned(), 1)]);
    let back = "DROP TABLE open_groups; DELETE FROM _sqlx_migrations WHERE version = 2;
                CREATE INDEX open_in_line ON open_jobs (queue, ready_at)            WHERE state = 1;
                CREATE INDEX open_holders ON open_jobs (queue, group_key)           WHERE holds = 1;";
    sqlx::raw_sql(back).execute(&mut conn).await.unwrap();

    assert_eq!(sqlite::migrate(&options).await.unwrap(), ["0002_groups"]);
    let after: Vec<(String, String, i64)> = sqlx::query_as(slots).fetch_all(&mut conn).await.unwrap();
    assert_eq!(after, before);
}
