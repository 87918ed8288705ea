//! Old and new versions on one store: what a newer one adds does not stop an older one.

use crate::{fleet::Fleet, place::Place, servers};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// What a migration may do: columns with a default or none, tables, indexes.
const NEXT: &str = "
    ALTER TABLE jobs ADD COLUMN later text;
    ALTER TABLE open_jobs ADD COLUMN later integer NOT NULL DEFAULT 7;
    ALTER TABLE job_results ADD COLUMN later text NOT NULL DEFAULT 'x';
    ALTER TABLE job_attempts ADD COLUMN later text;
    ALTER TABLE job_output ADD COLUMN later text;
    ALTER TABLE job_progress ADD COLUMN later text;
    ALTER TABLE job_keys ADD COLUMN later text;
    ALTER TABLE queues ADD COLUMN later integer NOT NULL DEFAULT 0;
    CREATE TABLE laters (name text PRIMARY KEY, job text);
    CREATE INDEX laters_by_job ON laters (job);
    CREATE INDEX jobs_by_later ON jobs (later);";
const APPLIED: &str = "
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES (9999, 'later', true, 'x', 0)";

/// A job of a newer producer: it says more than this version knows, at every level.
fn newer(ms: u64) -> Value {
    json!({ "kind": "drill", "payload": {
        "steps": [{ "do": "sleep", "ms": ms, "mood": "calm" }, { "do": "progress", "done": 1, "total": 1, "unit": "kg" }],
        "since": { "version": 2, "why": ["everything", "more"] },
    } })
}

fn newer_review() -> Value {
    let source = json!({ "type": "diff", "diff": "", "encoding": "utf-8" });
    json!({ "kind": "code-review", "payload": { "source": source, "model": "x" } })
}

#[tokio::test]
async fn fields_that_only_a_newer_version_knows_are_kept_and_passed_over() {
    for fleet in [Fleet::remote(), Fleet::file()] {
        let (_serve, server) = fleet.start(&["serve"]);
        let (work, _) = fleet.start(&["work"]);
        let sent = [newer(1), newer_review()];
        let ids = fleet.submit(&server, &sent).await;
        for (id, sent) in ids.iter().zip(&sent) {
            let job = fleet.until_job(&server, id, "completed").await;
            // A newer worker would find them all.
            assert_eq!(job["payload"], sent["payload"]);
        }
        assert_eq!(work.stop(), 0);
    }
}

#[tokio::test]
async fn a_postgres_one_migration_ahead_is_served() {
    let fleet = Fleet::remote();
    let Place::Remote(schema) = &fleet.place else { panic!("a remote place") };
    let mut connection = PgConnection::connect(&servers::postgres().url()).await.unwrap();
    let sql = format!("SET search_path = {schema}; {NEXT}; {APPLIED}");
    let migrate = async || {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    };
    one_migration_ahead(&fleet, migrate).await;
}

#[tokio::test]
async fn a_file_one_migration_ahead_is_served() {
    let fleet = Fleet::file();
    let file = fleet.home.path().join(".local/share/flotilla/flotilla.db");
    let migrate = async || {
        let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let sql = format!("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE; {NEXT}; {APPLIED}; COMMIT");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    };
    one_migration_ahead(&fleet, migrate).await;
}

/// Processes that were there before go on, with jobs under way; those that start afterwards work as well.
async fn one_migration_ahead(fleet: &Fleet, migrate: impl AsyncFnOnce()) {
    let (serve, server) = fleet.start(&["serve"]);
    let (work, _) = fleet.start(&["work", "--set", "worker.drain_ms=200"]);
    fleet.submit(&server, &[newer(1)]).await;
    fleet.until(&server, "completed", 1).await;
    let running = fleet.submit(&server, &[newer(3_000)]).await.remove(0);
    fleet.until_job(&server, &running, "running").await;
    migrate().await;

    fleet.until_job(&server, &running, "completed").await;
    let ids = fleet.submit(&server, &vec![newer(1); 20]).await;
    fleet.until(&server, "completed", 22).await;
    let handed_over = fleet.submit(&server, &[newer(3_000)]).await.remove(0);
    fleet.until_job(&server, &handed_over, "running").await;
    assert_eq!(work.stop(), 0);
    let gone_on = fleet.job(&server, &handed_over).await;
    assert!(gone_on["state"] == "pending" && gone_on["attempts"]["handover"] == 1, "{gone_on}");

    fleet.home.run(&["migrate"]).exits(0);
    let (work, _) = fleet.start(&["work"]);
    let (second, second_server) = fleet.start(&["serve"]);
    fleet.submit(&second_server, &vec![newer(1); 20]).await;
    fleet.until(&second_server, "completed", 43).await;
    assert_eq!(fleet.job(&second_server, &ids[0]).await["state"], "completed");
    fleet.home.run(&["queues"]).exits(0);
    for process in [work, second, serve] {
        assert_eq!(process.stop(), 0);
    }
}

#[test]
fn a_database_that_lacks_a_migration_is_refused_and_says_what_to_do() {
    let fleet = Fleet::unmigrated();
    for command in ["serve", "work", "run", "ls"] {
        let refused = fleet.home.run(&[command]).exits(3);
        let says = "lacks migration 0001_jobs; run `flotilla migrate`";
        assert!(refused.stderr.contains(says), "{command}: {}", refused.stderr);
    }
}
