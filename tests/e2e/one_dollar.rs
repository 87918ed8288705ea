//! Reviews side by side on a budget that is too small for them, as the provider's own ledger has it.
//!
//! `FLOTILLA_ONE_DOLLAR=full` runs two hundred of them on a budget of one dollar.

use crate::{
    fleet::{Fleet, until},
    models::{configure, provider, review},
    support::Service,
};
use flotilla_dev_model::Server;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How large it is.
struct Scale {
    reviews: usize,
    /// In micro-dollars.
    limit: u64,
}

impl Scale {
    fn chosen() -> Self {
        if std::env::var("FLOTILLA_ONE_DOLLAR").is_ok_and(|scale| scale == "full") {
            return Self { reviews: 200, limit: 1_000_000 };
        }
        Self { reviews: 60, limit: 300_000 }
    }
}

/// What `answers` bills for a call that takes more than was held for it.
const DEAREST: u64 = 900 + 6_000 * 5;
/// Between two looks at the budget.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What the provider counts, whatever it says. A call holds 4,000 tokens of output, so some of the `dear` ones take more.
fn answers(dear: &[u64]) -> Value {
    let rule = |schema: &str, call: Option<u64>, input: u64, output: u64| {
        let usage = json!({ "input": input, "output": output });
        json!({ "when": { "schema": schema, "call": call }, "then": { "usage": usage, "first_byte_ms": 100 } })
    };
    let dear = dear.iter().map(|call| rule("review_findings", Some(*call), 900, 6_000));
    let usual = [rule("review_findings", None, 900, 2_000), rule("verify_finding", None, 500, 600)];
    json!({ "rules": dear.chain(usual).collect::<Vec<_>>() })
}

/// Processes of one fleet that share a budget, which is looked at all the time.
struct Shift {
    server: String,
    processes: Vec<Service>,
    done: CancellationToken,
    sampler: JoinHandle<Samples>,
}

/// What was seen of the budget.
#[derive(Debug, Default)]
struct Samples {
    looks: usize,
    /// The most that was spent and held at once.
    most: u64,
}

impl Shift {
    /// With a limit in micro-dollars.
    fn start(fleet: &Fleet, limit: Option<u64>) -> Self {
        let dollars = limit.map_or_else(String::new, |limit| format!("{}.{:06}", limit / 1_000_000, limit % 1_000_000));
        let limit = [("BUDGETS__FLEET__USD", dollars)];
        let (serve, server) = fleet.start_with(&["serve"], &limit);
        let work = ["work", "--set", "worker.concurrency=100", "--set", "worker.lease_ms=15000"];
        let mut processes: Vec<Service> = (0..2).map(|_| fleet.start_with(&work, &limit).0).collect();
        processes.push(serve);
        let done = CancellationToken::new();
        let sampler = tokio::spawn(sample(fleet.http().clone(), format!("{server}/v1/budgets"), done.clone()));
        Self { server, processes, done, sampler }
    }

    /// Waits until nobody can go on, and all who cannot say why; answers how many there are.
    async fn until_out_of_money(&self, fleet: &Fleet) -> usize {
        until("nobody goes on", async || {
            let jobs = fleet.list(&self.server).await;
            let waiting = jobs.iter().filter(|job| job["state"] == "paused");
            let reasons: HashSet<bool> =
                waiting.clone().map(|job| job["reason"].as_str().unwrap().contains("the fleet has no room")).collect();
            let ended = jobs.iter().filter(|job| job["state"] == "completed").count();
            let count = waiting.count();
            if count > 0 && count + ended == jobs.len() && reasons == HashSet::from([true]) {
                return Ok(count);
            }
            Err(format!("{count} wait and {ended} have ended of {}", jobs.len()))
        })
        .await
    }

    async fn end(self) -> Samples {
        self.done.cancel();
        let samples = self.sampler.await.unwrap();
        for process in self.processes {
            assert_eq!(process.stop(), 0);
        }
        samples
    }
}

async fn sample(http: reqwest::Client, url: String, done: CancellationToken) -> Samples {
    let mut samples = Samples::default();
    while !done.is_cancelled() {
        let seen: Value = http.get(&url).send().await.unwrap().json().await.unwrap();
        if let Some(budget) = seen["budgets"].get(0) {
            let amount = |name: &str| budget[name].as_u64().unwrap();
            samples.most = samples.most.max(amount("spent") + amount("held"));
        }
        samples.looks += 1;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_side_by_side_stay_within_a_budget_on_a_file() {
    stay_within_a_budget(Fleet::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_side_by_side_stay_within_a_budget_on_servers() {
    stay_within_a_budget(Fleet::remote()).await;
}

/// With what the provider bills.
fn priced(fleet: &Fleet, provider: &Server) {
    let url = provider.url();
    let models = format!(
        "[providers.dev]\nwire = \"anthropic\"\nbase_url = \"{url}\"\nkey = \"any\"\n[models.scripted]\nprovider = \"dev\"\n\
         context = 100000\nmax_output = 4000\nprice = {{ input = \"1.00\", output = \"5.00\" }}\n"
    );
    configure(fleet, &models);
}

/// Two findings are proposed; the first is kept by its second look, the other is not.
fn job() -> Value {
    review(["fn f() {", "    g().unwrap();", "    // TODO", "}"])
}

async fn stay_within_a_budget(fleet: Fleet) {
    let Scale { reviews, limit } = Scale::chosen();
    let provider = provider(answers(&[])).await;
    priced(&fleet, &provider);
    let start = Instant::now();

    let shift = Shift::start(&fleet, Some(limit));
    let jobs = vec![job(); reviews];
    for some in jobs.chunks(100) {
        fleet.submit(&shift.server, some).await;
    }
    let waiting = shift.until_out_of_money(&fleet).await;
    let (first, spent) = (shift.end().await, provider.ledger().cost);
    assert!(first.most <= limit && spent > limit / 3, "{first:?}, {spent} spent");

    // Some calls take more than they held.
    provider.set_script(serde_json::from_value(answers(&[2, 5, 8])).unwrap());
    let shift = Shift::start(&fleet, Some(limit * 2));
    until("what is too dear was billed", async || {
        let dear = provider.calls().iter().filter(|call| call.usage.output == 6_000).count();
        if dear == 3 { Ok(()) } else { Err(format!("{dear} were")) }
    })
    .await;
    shift.until_out_of_money(&fleet).await;
    let second = shift.end().await;
    let over = second.most.saturating_sub(limit * 2);
    assert!(over <= DEAREST, "{over} above the limit");

    let shift = Shift::start(&fleet, None);
    fleet.until(&shift.server, "completed", reviews).await;
    check(&fleet, &shift.server, &provider, reviews).await;
    let looks = first.looks + second.looks + shift.end().await.looks;
    let ledger = provider.ledger();
    eprintln!(
        "{reviews} reviews, {} calls in {:.1?}: at most {} of {limit} micro-dollars spent and held, {waiting} waited; at most {} \
         of {} with three calls that took more than they held; {looks} looks; {} on either ledger",
        ledger.calls,
        start.elapsed(),
        first.most,
        second.most,
        limit * 2,
        ledger.cost,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_more_than_it_held_is_the_last() {
    let over = |fleet: Fleet| async move {
        let provider = provider(answers(&[1])).await;
        priced(&fleet, &provider);
        let shift = Shift::start(&fleet, Some(25_000));
        fleet.submit(&shift.server, &vec![job(); 10]).await;
        assert_eq!(shift.until_out_of_money(&fleet).await, 10);
        let samples = shift.end().await;
        assert_eq!((provider.ledger().calls, samples.most), (1, DEAREST), "nobody asks after it");
        samples.most - 25_000
    };
    let (file, servers) = tokio::join!(over(Fleet::file()), over(Fleet::remote()));
    eprintln!(
        "a call of {DEAREST} micro-dollars under a limit of 25000: {file} and {servers} above it, less than the call"
    );
}

/// All have their result, no step was paid for twice, and both ledgers have the same sum.
async fn check(fleet: &Fleet, server: &str, provider: &Server, count: usize) {
    let mut steps = 0;
    for job in fleet.list(server).await {
        let job = fleet.job(server, job["id"].as_str().unwrap()).await;
        let attempts = &job["attempts"];
        assert!(attempts["failure"] == 0 && attempts["crash"] == 0, "{attempts}");
        let agent = &job["output"]["agent"];
        assert_eq!((&agent["steps"], &agent["batches"]), (&json!(3), &json!(1)), "{job}");
        steps += agent["steps"].as_u64().unwrap();
    }
    let ledger = provider.ledger();
    assert_eq!((steps, ledger.calls), (3 * count as u64, 3 * count as u64), "a step was asked for twice");
    let spent: Value = fleet.get(&format!("{server}/v1/spend")).await.json().await.unwrap();
    let row = &spent["rows"][0];
    let rest = ["held", "lost", "unknown"].map(|name| row[name].as_u64().unwrap());
    assert_eq!((row["cost"].as_u64().unwrap(), rest), (ledger.cost, [0, 0, 0]), "{row}");
}
