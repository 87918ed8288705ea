//! A burst of reviews at a provider that allows few calls a minute: nobody is lost, little of what it allows is left
//! unused, and who needs another model is not held up.

use crate::{
    fleet::{Fleet, until},
    models::{configure, provider, review},
};
use flotilla_dev_model::{CallRecord, Outcome, Server};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const JOBS: usize = 57;
/// So many calls at once, and one more each 1.5 s.
const PER_MINUTE: u64 = 40;
const ELSEWHERE: usize = 5;
const LIMIT: Duration = Duration::from_mins(1);
/// At least this part of what is allowed is used, where nobody else needs the machine (`FLOTILLA_BURST=alone`);
const MOST_OF_IT: f64 = 0.9;
/// and this where others do.
const MUCH_OF_IT: f64 = 0.75;

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_paced_by_a_limit_that_is_configured() {
    let limit = format!("requests_per_minute = {PER_MINUTE}\n");
    let (file, servers) = (Fleet::file(), Fleet::remote());
    let refused: [usize; 2] = tokio::join!(burst(&file, &limit, "a file"), burst(&servers, &limit, "servers")).into();
    // The provider's clock and ours begin to count at different moments.
    assert!(refused.iter().all(|refused| *refused <= 3), "{refused:?} calls were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_paced_by_refusals_where_the_configuration_says_too_much() {
    let limit = format!("requests_per_minute = {}\n", 2 * PER_MINUTE);
    let (file, servers) = (Fleet::file(), Fleet::remote());
    let refused: [usize; 2] =
        tokio::join!(burst(&file, &limit, "a file, refused"), burst(&servers, &limit, "servers, refused")).into();
    assert!(refused.iter().all(|refused| *refused > 0), "the test shows nothing");
}

/// Answers how many calls the provider refused.
async fn burst(fleet: &Fleet, limit: &str, what: &str) -> usize {
    let small = provider(json!({ "limits": { "requests_per_minute": PER_MINUTE } })).await;
    let other = provider(json!({})).await;
    configure(
        fleet,
        &format!(
            "[providers.small]\nwire = \"openai-chat\"\nbase_url = \"{}/v1\"\nkey = \"any\"\n\
             [providers.other]\nwire = \"anthropic\"\nbase_url = \"{}\"\nkey = \"any\"\n\
             [models.small]\nprovider = \"small\"\ncontext = 100000\nmax_output = 4000\nprice = \"free\"\n{limit}\
             [models.other]\nprovider = \"other\"\ncontext = 100000\nmax_output = 4000\nprice = \"free\"\n\
             [routes.review]\nmodels = [{{ model = \"other\", when = {{ min_input_tokens = 8000 }} }}, \"small\"]\n",
            small.url(),
            other.url()
        ),
    );
    let long: Vec<String> = (0..1_000).map(|n| format!("fn f{n}() {{}}")).collect();
    let long = review(long.iter().map(String::as_str));
    let (_serve, server) = fleet.start(&["serve"]);
    let workers = [(); 2].map(|()| fleet.start(&["work", "--set", "worker.lease_ms=15000"]).0);
    let start = Instant::now();
    fleet.submit(&server, std::slice::from_ref(&long)).await;
    other.wait_for(1, LIMIT).await.unwrap();
    let alone = start.elapsed();

    // Nothing to find: one call each.
    let short = review(["fn f() {}"]);
    let ids = fleet.submit(&server, &vec![short; JOBS]).await;
    small.wait_until(LIMIT, |calls| answered(calls).count() >= PER_MINUTE as usize).await.unwrap();

    // The provider has given all it has: from now on the others wait.
    let start = Instant::now();
    fleet.submit(&server, &vec![long; ELSEWHERE]).await;
    other.wait_for(2, LIMIT).await.unwrap();
    let first = start.elapsed();
    other.wait_for(1 + ELSEWHERE, LIMIT).await.unwrap();
    let last = start.elapsed();
    let meanwhile = answered(&small.calls()).count();
    assert!(meanwhile < JOBS, "the burst was over before who needs another model began");

    fleet.until(&server, "completed", JOBS + 1 + ELSEWHERE).await;
    let (refused, share) = used(&small);
    let throttled = checked(fleet, &server, &ids).await;
    eprintln!(
        "{what}: {JOBS} reviews, {refused} calls refused, {:.0} % of the allowed rate used, jobs put off {throttled} times; \
         another model was asked {first:.1?} to {last:.1?} after its reviews came ({alone:.1?} when nothing else ran)",
        share * 100.0
    );
    let alone = std::env::var("FLOTILLA_BURST").is_ok_and(|how| how == "alone");
    assert!(share >= if alone { MOST_OF_IT } else { MUCH_OF_IT }, "{:.0} % of the allowed rate used", share * 100.0);
    for worker in workers {
        assert_eq!(worker.stop(), 0);
    }
    refused
}

fn answered(calls: &[CallRecord]) -> impl Iterator<Item = &CallRecord> {
    calls.iter().filter(|call| call.outcome == Outcome::Answered)
}

/// How many calls were refused, and which part was used of what was allowed from the first call to the last.
fn used(provider: &Server) -> (usize, f64) {
    let calls = provider.calls();
    let times: Vec<u64> = answered(&calls).map(|call| call.at_ms).collect();
    assert_eq!(times.len(), JOBS, "one call each");
    let span = times.iter().max().unwrap() - times.iter().min().unwrap();
    let allowed = PER_MINUTE as f64 + (span * PER_MINUTE) as f64 / 60_000.0;
    (calls.len() - times.len(), times.len() as f64 / allowed)
}

/// No attempt failed; answers how often jobs were put off.
async fn checked(fleet: &Fleet, server: &str, ids: &[String]) -> u64 {
    let jobs = fleet.list(server).await;
    assert!(ids.iter().all(|id| jobs.iter().any(|job| job["id"] == *id.as_str())), "jobs were lost");
    let of = |job: &Value, cause: &str| job["attempts"][cause].as_u64().unwrap();
    assert!(jobs.iter().all(|job| of(job, "failure") + of(job, "crash") == 0), "{jobs:?}");
    until("nothing held", async || {
        let spent: Value = fleet.get(&format!("{server}/v1/spend")).await.json().await.unwrap();
        if spent["rows"][0]["held"] == 0 { Ok(()) } else { Err(spent.to_string()) }
    })
    .await;
    jobs.iter().map(|job| of(job, "throttle")).sum()
}
