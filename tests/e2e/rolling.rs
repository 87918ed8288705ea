//! A rolling restart under load, beside the same load on a fleet that is left alone.
//!
//! `FLOTILLA_ROLLING=full` runs it as a deploy would be: default settings, jobs of 0.1 to 60 s, 20 restarts. That takes
//! about ten minutes.

use crate::{
    fleet::{Fleet, crashes},
    support::Service,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

const WORKERS: usize = 3;
/// Longest that a job that was moved waits for its next worker.
const MOVED: Duration = Duration::from_secs(2);
/// What a moved job may take beyond its own time, for each move: it goes on where it was.
const PER_MOVE: Duration = Duration::from_millis(500);

/// How large it is.
struct Scale {
    jobs: usize,
    restarts: usize,
    /// Shortest and longest job, in milliseconds.
    shortest: f64,
    longest: f64,
    /// Most time that the restarts may cost, as a part of all. Only printed where the runs are short.
    most_more: f64,
    worker: Vec<&'static str>,
}

impl Scale {
    fn chosen() -> Self {
        if std::env::var("FLOTILLA_ROLLING").is_ok_and(|scale| scale == "full") {
            let settings = ["concurrency=50", "lease_ms=15000", "renew_ms=5000", "drain_ms=25000", "hard_stop_ms=4500"];
            let worker = work(&settings);
            return Self { jobs: 9_600, restarts: 20, shortest: 100.0, longest: 60_000.0, most_more: 0.1, worker };
        }
        let settings = ["drain_ms=800", "hard_stop_ms=4000"];
        let worker = work(&settings);
        Self { jobs: 160, restarts: 6, shortest: 50.0, longest: 6_000.0, most_more: f64::INFINITY, worker }
    }

    /// Many short jobs and few long ones, the same in every run of the test.
    fn milliseconds(&self) -> Vec<u64> {
        let duration = |number: usize| {
            // The fractions of multiples of the golden ratio are spread evenly.
            let part = (number as f64 * 0.618_033_988_749_895).fract();
            // No long ones at the end: only what is worked off by all workers can be compared.
            let longest = if number * 10 > self.jobs * 7 { self.longest / 10.0 } else { self.longest };
            (self.shortest * (longest / self.shortest).powf(part)) as u64
        };
        (0..self.jobs).map(duration).collect()
    }
}

fn work(settings: &[&'static str]) -> Vec<&'static str> {
    let mut args = vec!["work"];
    for setting in settings {
        args.extend(["--set", &*format!("worker.{setting}").leak()]);
    }
    args
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_costs_nothing() {
    let scale = Scale::chosen();
    let load = scale.milliseconds();
    let (alone, restarted) = (Fleet::remote(), Fleet::remote());
    let ((alone, _), (restarted, moved)) =
        tokio::join!(run(&alone, &scale, &load, 0), run(&restarted, &scale, &load, scale.restarts));
    let more = restarted.as_secs_f64() / alone.as_secs_f64() - 1.0;
    eprintln!(
        "{} jobs, {} restarts: {restarted:.1?}, {alone:.1?} without ({:+.1} %); {} jobs were moved, {} times, and waited \
         {:.0?} at most and {:.0?} on average",
        scale.jobs,
        scale.restarts,
        more * 100.0,
        moved.jobs,
        moved.waits.len(),
        moved.waits.iter().max().unwrap_or(&Duration::ZERO),
        moved.waits.iter().sum::<Duration>() / moved.waits.len().max(1) as u32,
    );
    assert!(more < scale.most_more, "the restarts cost too much time");
    assert!(!moved.waits.is_empty(), "no job was moved: the test shows nothing");
    assert!(moved.waits.iter().all(|wait| *wait < MOVED), "{:?}", moved.waits);
}

/// What became of the jobs that were handed over.
#[derive(Default)]
struct Moved {
    jobs: usize,
    /// From the end of a run to the start of the next.
    waits: Vec<Duration>,
}

/// Works off the load while workers are restarted; answers how long that took.
async fn run(fleet: &Fleet, scale: &Scale, load: &[u64], restarts: usize) -> (Duration, Moved) {
    let (_serve, server) = fleet.start(&["serve"]);
    let mut workers: Vec<Service> = (0..WORKERS).map(|_| fleet.start(&scale.worker).0).collect();
    let limit = Instant::now() + Duration::from_millis(load.iter().sum());
    let mut ids = Vec::new();
    for part in load.chunks(400) {
        let jobs: Vec<Value> = part.iter().map(|ms| drill(*ms)).collect();
        ids.extend(fleet.submit(&server, &jobs).await);
    }
    for _ in 0..restarts {
        // As docker-compose.scale.yml has it: the next one starts first, one at a time.
        workers.push(fleet.start(&scale.worker).0);
        let mut old = workers.remove(0);
        old.signal("TERM");
        let code = tokio::task::spawn_blocking(move || old.wait()).await.unwrap();
        assert_eq!(code, 0);
    }
    while unfinished(fleet, &server).await > 0 {
        assert!(Instant::now() < limit, "{:?}", fleet.states(&server).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (took, moved) = check(fleet, &server, load, &ids).await;
    assert_eq!(fleet.place.results().await, (load.len() as i64, load.len() as i64));
    for worker in workers {
        assert_eq!(worker.stop(), 0);
    }
    (took, moved)
}

fn drill(ms: u64) -> Value {
    json!({ "kind": "drill", "payload": { "steps": [{ "do": "sleep", "ms": ms }] } })
}

async fn unfinished(fleet: &Fleet, server: &str) -> u64 {
    let queues: Value = fleet.get(&format!("{server}/v1/queues")).await.json().await.unwrap();
    let queues = queues["queues"].as_array().unwrap();
    let count = |queue: &Value| {
        ["scheduled", "pending", "running"].map(|state| queue[state].as_u64().unwrap()).iter().sum::<u64>()
    };
    queues.iter().map(count).sum()
}

/// Every job has its result and spent nothing but hand-overs, each of which cost little. Answers how long all of it took.
async fn check(fleet: &Fleet, server: &str, load: &[u64], ids: &[String]) -> (Duration, Moved) {
    let mut moved = Moved::default();
    let jobs: HashMap<String, Value> =
        fleet.list(server).await.into_iter().map(|job| (job["id"].as_str().unwrap().to_owned(), job)).collect();
    assert_eq!((jobs.len(), ids.len()), (load.len(), load.len()));
    for (id, ms) in ids.iter().zip(load) {
        let attempts = &jobs[id]["attempts"];
        assert!(
            jobs[id]["state"] == "completed" && attempts["failure"] == 0 && crashes(&jobs[id]) == 0,
            "{}",
            jobs[id]
        );
        if attempts["handover"] == 0 {
            continue;
        }
        let job = fleet.job(server, id).await;
        let runs = runs(&job);
        moved.jobs += 1;
        moved.waits.extend(runs.windows(2).map(|runs| between(runs[0].1, runs[1].0)));
        // Time that was slept before a move is not slept again.
        let ran: Duration = runs.iter().map(|(start, end)| between(*start, *end)).sum();
        assert!(ran < Duration::from_millis(*ms) + PER_MOVE * runs.len() as u32, "{ran:?} of {ms} ms: {job}");
    }
    let first = jobs.values().map(|job| at(job, "created_at")).min().unwrap();
    let last = jobs.values().map(|job| at(job, "finished_at")).max().unwrap();
    (between(first, last), moved)
}

/// Start and end of each run, in order.
fn runs(job: &Value) -> Vec<(Timestamp, Timestamp)> {
    let history = job["history"].as_array().into_iter().flatten();
    let given_back = history.map(|run| (at(run, "started_at"), at(run, "ended_at")));
    given_back.chain([(at(job, "started_at"), at(job, "finished_at"))]).collect()
}

fn at(of: &Value, name: &str) -> Timestamp {
    of[name].as_str().unwrap().parse().unwrap()
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).unsigned_abs()
}
