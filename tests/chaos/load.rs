//! A producer that does as the documentation says: an idempotency key with every request, and again until it is answered.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// Requests a second.
const REQUESTS: u32 = 5;
/// Most requests that wait for an answer; no more are sent then.
const UNANSWERED: usize = 200;
/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
/// How long a request is tried after the trouble is over.
const PATIENCE: Duration = Duration::from_mins(2);

/// How a job may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ends {
    Completed,
    Failed,
    /// It kills its worker, each time.
    Quarantined,
}

/// What was accepted, and what was not.
#[derive(Default)]
pub struct Accepted {
    pub jobs: BTreeMap<String, Ends>,
    /// Tries that were not answered with success.
    pub refused: u64,
    /// Requests that were answered by nobody to the end.
    pub given_up: u64,
    /// Answers that should never come.
    pub wrong: Vec<String>,
}

/// Hands jobs in until told to stop, and goes on with what is unanswered then.
pub async fn run(servers: Vec<String>, seed: u64, rate: u32, over: CancellationToken) -> Accepted {
    let http = Client::builder().timeout(TRY).build().expect("a client");
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut requests, mut accepted) = (JoinSet::new(), Accepted::default());
    let mut ticks = interval(Duration::from_secs(1) / REQUESTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0_u64.. {
        tokio::select! {
            _ = ticks.tick() => {}
            () = over.cancelled() => break,
        }
        while let Some(done) = requests.try_join_next() {
            accepted.add(done.expect("a request ends"));
        }
        if requests.len() < UNANSWERED {
            let jobs: Vec<(Value, Ends)> = (0..rate.div_ceil(REQUESTS)).map(|_| job(&mut rng)).collect();
            let servers = servers.clone();
            requests.spawn(submit(http.clone(), servers, format!("chaos-{seed}-{number}"), jobs, over.clone()));
        }
    }
    while let Some(done) = requests.join_next().await {
        accepted.add(done.expect("a request ends"));
    }
    accepted
}

/// One request, by any server that answers.
async fn submit(
    http: Client,
    servers: Vec<String>,
    key: String,
    jobs: Vec<(Value, Ends)>,
    over: CancellationToken,
) -> Accepted {
    let body: Vec<&Value> = jobs.iter().map(|(job, _)| job).collect();
    let body = serde_json::to_vec(&body).expect("JSON");
    let (mut accepted, mut deadline) = (Accepted::default(), None);
    for server in servers.iter().cycle() {
        let request = http.post(format!("{server}/v1/jobs")).header("content-type", "application/json");
        let answer = request.header("idempotency-key", &key).body(body.clone()).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => {
                if let Ok(ids) = answer.json::<Vec<Value>>().await {
                    let ids = ids.iter().map(|job| job["id"].as_str().unwrap_or_default().to_owned());
                    accepted.jobs.extend(ids.zip(jobs.iter().map(|(_, ends)| *ends)));
                    return accepted;
                }
            }
            Ok(answer) if answer.status() != StatusCode::SERVICE_UNAVAILABLE => {
                let status = answer.status();
                accepted.wrong.push(format!("{status}: {}", answer.text().await.unwrap_or_default()));
                return accepted;
            }
            Ok(_) | Err(_) => {}
        }
        accepted.refused += 1;
        if over.is_cancelled() && Instant::now() > *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) {
            accepted.given_up += 1;
            return accepted;
        }
        sleep(Duration::from_millis(300)).await;
    }
    accepted
}

/// A job of any kind there is.
fn job(rng: &mut StdRng) -> (Value, Ends) {
    let sleep = json!({ "do": "sleep", "ms": rng.random_range(1..400) });
    let (steps, ends) = match rng.random_range(0..100) {
        0..30 => return (review(rng), Ends::Completed),
        30..70 => (vec![sleep], Ends::Completed),
        70..80 => (vec![json!({ "do": "say", "text": "hello" }), sleep], Ends::Completed),
        80..86 => (vec![sleep, json!({ "do": "retry", "message": "once", "only_attempt": 1 })], Ends::Completed),
        86..90 => (vec![sleep, json!({ "do": "panic", "message": "once", "only_attempt": 1 })], Ends::Completed),
        90..94 => (vec![json!({ "do": "fail", "message": "for good" })], Ends::Failed),
        94..98 => (vec![json!({ "do": "sleep", "ms": rng.random_range(1_000..5_000) })], Ends::Completed),
        98 => (vec![json!({ "do": "ignore_cancel", "ms": 1_000 })], Ends::Completed),
        // A fleet that spends its time dying proves nothing else: one job in some thousands kills its worker.
        _ if rng.random_range(0..40) == 0 => (vec![json!({ "do": "abort" })], Ends::Quarantined),
        _ => (vec![sleep], Ends::Completed),
    };
    let group = rng.random_range(0..4) == 0;
    let group = group.then(|| json!({ "key": format!("g{}", rng.random_range(0..20)), "limit": 2 }));
    let mut options = json!({
        "priority": rng.random_range(0..10), "backoff": { "base_ms": 100, "cap_ms": 1_000 }, "group": group,
    });
    if rng.random_range(0..10) == 0 {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(rng.random_range(0..3_000));
        options["run_at"] = json!(at);
    }
    (json!({ "kind": "drill", "payload": { "steps": steps }, "options": options }), ends)
}

fn review(rng: &mut StdRng) -> Value {
    let name = rng.random_range(0..1_000);
    let diff = format!(
        "diff --git a/f{name} b/f{name}\nnew file mode 100644\n--- /dev/null\n+++ b/f{name}\n@@ -0,0 +1 @@\n+hello\n"
    );
    json!({ "kind": "code-review", "payload": { "source": { "type": "diff", "diff": diff } } })
}

impl Accepted {
    fn add(&mut self, other: Self) {
        self.jobs.extend(other.jobs);
        self.refused += other.refused;
        self.given_up += other.given_up;
        self.wrong.extend(other.wrong);
    }
}
