//! Workers killed at random points of their jobs' lives, again and again, while thousands of jobs run.

use crate::{
    drills::{drill, start, unfinished},
    fleet::{Fleet, crashes, until},
    support::Service,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

const JOBS: usize = 5_000;
const WORKERS: usize = 4;
const KILLS: usize = 24;
/// One batch for each kill, so that there is work whenever one comes.
const BATCH: usize = JOBS / KILLS + 1;
const SEED: u64 = 0x5EED;

#[tokio::test]
async fn five_thousand_jobs_survive_random_kills_on_both() {
    five_thousand_jobs_survive_random_kills(Fleet::remote()).await;
}

#[tokio::test]
async fn five_thousand_jobs_survive_random_kills_on_one_file() {
    five_thousand_jobs_survive_random_kills(Fleet::file()).await;
}

async fn five_thousand_jobs_survive_random_kills(fleet: Fleet) {
    let (_serve, server) = start(&fleet, &["serve"]);
    let mut dice = Dice(SEED);
    let mut workers: Vec<Service> = (0..WORKERS).map(|number| worker(&fleet, number)).collect();
    let jobs: Vec<Value> = (0..JOBS).map(|number| job(number, &mut dice)).collect();
    let mut ids = HashSet::new();
    for batch in jobs.chunks(BATCH) {
        ids.extend(fleet.submit(&server, batch).await);
        // Somewhere between its first job and its last.
        let left = dice.below(BATCH) as u64;
        until("a few jobs to end", async || {
            let open = unfinished(&fleet, &server).await;
            if open <= BATCH as u64 + left { Ok(()) } else { Err(format!("{open} have not")) }
        })
        .await;
        let victim = dice.below(WORKERS);
        workers[victim].signal("KILL");
        assert_eq!(workers[victim].wait(), -1);
        // Under the same name, at once.
        workers[victim] = worker(&fleet, victim);
    }
    until("every job to end", async || match unfinished(&fleet, &server).await {
        0 => Ok(()),
        open => Err(format!("{open} have not")),
    })
    .await;

    let all = fleet.list(&server).await;
    let listed: HashSet<String> = all.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((all.len(), &listed), (JOBS, &ids), "each job is on record, once");
    let lost = all.iter().filter(|job| crashes(job) > 0).count();
    assert!(lost > 0, "the kills hit nothing");
    let mut ends: HashMap<&str, usize> = HashMap::new();
    for job in &all {
        let state = job["state"].as_str().unwrap();
        *ends.entry(state).or_default() += 1;
        // A second kill can hit a job before the process of its own that it then runs in has begun.
        let expected = if crashes(job) < 2 { "completed" } else { "quarantined" };
        assert!(state == expected && job["attempts"]["failure"] == 0, "{job}");
    }
    let quarantined = ends.get("quarantined").copied().unwrap_or(0);
    eprintln!("seed {SEED:#x}: {lost} of {JOBS} jobs lost a worker, {quarantined} of them two");
    for job in all.iter().filter(|job| crashes(job) == 2) {
        let job = fleet.job(&server, job["id"].as_str().unwrap()).await;
        let history = job["history"].as_array().unwrap();
        let crashed = history.iter().filter(|run| run["cause"] == "crash");
        let workers: HashSet<&str> = crashed.map(|run| run["worker"].as_str().unwrap()).collect();
        assert_eq!(workers.len(), 2, "no worker's start has the name of another: {job}");
    }
    if quarantined > 0 {
        fleet.home.run(&["retry", "--state", "quarantined", "--all"]).exits(0);
    }
    fleet.until(&server, "completed", JOBS).await;
    if matches!(fleet.place, crate::place::Place::Remote(_)) {
        assert_eq!(fleet.place.results().await, (JOBS as i64, JOBS as i64), "each has one result");
    }
    for worker in workers {
        assert_eq!(worker.stop(), 0);
    }
}

fn worker(fleet: &Fleet, number: usize) -> Service {
    start(fleet, &["work", "--set", &format!("worker.name=w{number}")]).0
}

/// Most are short; one in twenty is caught by a kill with some likelihood.
fn job(number: usize, dice: &mut Dice) -> Value {
    let sleep = |ms: usize| json!({ "do": "sleep", "ms": ms });
    drill(&match number % 20 {
        0 => json!([{ "do": "progress", "done": 1, "total": 2 }, sleep(500 + dice.below(500))]),
        1..6 => json!([{ "do": "say", "text": "x" }, sleep(dice.below(20))]),
        _ => json!([]),
    })
}

/// The same numbers for the same seed (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[tokio::test]
async fn a_killed_workers_job_runs_again_within_20_s_on_both() {
    a_killed_workers_job_runs_again_within_20_s(Fleet::remote()).await;
}

#[tokio::test]
async fn a_killed_workers_job_runs_again_within_20_s_on_one_file() {
    a_killed_workers_job_runs_again_within_20_s(Fleet::file()).await;
}

/// With the lease as it is by default, and with nobody there but a worker of the same name.
async fn a_killed_workers_job_runs_again_within_20_s(fleet: Fleet) {
    const PROMISE: Duration = Duration::from_secs(20);
    let defaults = ["--set", "worker.lease_ms=15000", "--set", "worker.renew_ms=5000", "--set", "worker.name=same"];
    let (_serve, server) = start(&fleet, &["serve"]);
    let work = || start(&fleet, &[&["work"], &defaults[..]].concat()).0;
    let mut killed = work();
    let job = drill(&json!([{ "do": "sleep", "ms": 600_000, "only_attempt": 1 }, { "do": "sleep", "ms": 1 }]));
    let id = fleet.submit(&server, &[job]).await.remove(0);
    fleet.until_job(&server, &id, "running").await;
    killed.signal("KILL");
    let kill = std::time::Instant::now();
    assert_eq!(killed.wait(), -1);
    let next = work();
    let job = fleet.until_job(&server, &id, "completed").await;
    assert!(kill.elapsed() < PROMISE, "it took {:?}", kill.elapsed());
    assert_eq!((crashes(&job), &job["output"]["run"]), (1, &json!(2)), "{job}");
    assert_eq!(next.stop(), 0);
}
