//! `flotilla review`, killed in the middle and started again by whoever waits for it.

use crate::{
    fleet::until,
    models::provider,
    support::{Home, Service, finish},
};
use flotilla_dev_model::{CallRecord, Outcome, Script, Server};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_mins(1);

/// A home in which a model is configured, and a work tree whose change is too long for one batch, not for two.
struct User {
    home: Home,
    provider: Server,
    tree: String,
}

impl User {
    /// The provider takes its time with the second batch.
    async fn new() -> Self {
        let home = Home::new();
        let lines: Vec<String> = (0..2_000).map(|n| format!("pub fn f{n}() {{}}\n")).collect();
        let tree = home.repository("lib.rs", &lines.concat()).display().to_string();
        let provider = provider(held_at(2)).await;
        let models = format!(
            "[providers.dev]\nwire = \"anthropic\"\nbase_url = \"{}\"\nkey = \"any\"\n[models.scripted]\nprovider = \"dev\"\n\
             context = 100000\nmax_output = 4000\nprice = {{ input = \"1.00\", output = \"5.00\" }}\n",
            provider.url()
        );
        home.write(".config/flotilla/config.toml", &models);
        Self { home, provider, tree }
    }

    fn command(&self, args: &[&str]) -> Command {
        self.home.command(&[&["review", &self.tree, "--base", "main"], args].concat())
    }

    /// Starts the command and kills it once so many calls have come in all, of which one is answered and on record.
    async fn review_and_kill(&self, calls: usize) {
        let mut review = Service::start(self.command(&[]));
        let is_held = |seen: &[CallRecord]| seen.len() == calls && answered(seen).count() == 1;
        self.provider.wait_until(LIMIT, is_held).await.unwrap();
        until("it is on record", async || {
            let spent = self.spent();
            if spent["cost"].as_u64() == Some(self.paid()) { Ok(()) } else { Err(spent.to_string()) }
        })
        .await;
        review.signal("KILL");
        review.wait();
    }

    fn paid(&self) -> u64 {
        answered(&self.provider.calls()).filter_map(|call| call.cost).sum()
    }

    fn spent(&self) -> Value {
        let spend = self.home.run(&["spend", "--by", "agent", "--json"]).exits(0).json();
        spend["rows"].get(0).cloned().unwrap_or_else(|| json!({ "calls": 0, "cost": 0 }))
    }

    fn jobs(&self) -> Vec<(String, String)> {
        let page = self.home.run(&["ls", "--json"]).exits(0).json();
        let text = |job: &Value, name: &str| job[name].as_str().unwrap().to_owned();
        page["jobs"].as_array().unwrap().iter().map(|job| (text(job, "id"), text(job, "state"))).collect()
    }

    /// Texts that the provider was asked about, each once, and how often.
    fn asked(&self) -> Vec<usize> {
        let mut texts: Vec<(String, usize)> = Vec::new();
        for call in self.provider.calls() {
            let text = call.body["messages"].to_string();
            match texts.iter_mut().find(|(known, _)| *known == text) {
                Some((_, times)) => *times += 1,
                None => texts.push((text, 1)),
            }
        }
        let mut times: Vec<usize> = texts.into_iter().map(|(_, times)| times).collect();
        times.sort_unstable();
        times
    }
}

fn answered(calls: &[CallRecord]) -> impl Iterator<Item = &CallRecord> {
    calls.iter().filter(|call| call.outcome == Outcome::Answered)
}

/// The n-th call is not answered before the client has gone.
fn held_at(n: u64) -> Value {
    json!({ "rules": [{ "when": { "schema": "review_findings", "call": n }, "then": { "first_byte_ms": 600_000 } }] })
}

fn script(value: Value) -> Script {
    serde_json::from_value(value).unwrap()
}

fn commit(home: &Home, tree: &str, name: &str) {
    std::fs::write(Path::new(tree).join(name), "pub fn more() {}\n").unwrap();
    for args in [&["add", "."][..], &["commit", "-q", "-m", "more"]] {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]).args(args);
        assert!(git.current_dir(tree).env("HOME", home.path()).status().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_was_killed_goes_on_when_it_is_asked_for_again() {
    let user = User::new().await;
    user.review_and_kill(2).await;
    // Killed a second time, it is no poison to whoever asks for it.
    user.provider.set_script(script(held_at(1)));
    user.review_and_kill(3).await;
    user.provider.set_script(Script::default());

    let start = Instant::now();
    let ran = finish(user.command(&["--json"])).exits(0);
    eprintln!("the third start took {:.1?}", start.elapsed());
    assert!(ran.stderr.contains("was begun before and goes on"), "{}", ran.stderr);
    let agent = &ran.json()["agent"];
    let paid = user.paid();
    assert_eq!(user.asked(), [1, 3], "the batch that was done is not asked again");
    assert_eq!((&agent["batches"], &agent["steps"], &agent["unknown"]), (&json!(2), &json!(2), &json!(2)), "{agent}");
    assert_eq!((agent["cost"].as_u64(), user.spent()["cost"].as_u64()), (Some(paid), Some(paid)), "it is paid once");
    let jobs = user.jobs();
    assert!(jobs.len() == 1 && jobs[0].1 == "completed", "{jobs:?}");

    // The next one is another review.
    assert!(!finish(user.command(&[])).exits(0).stderr.contains("was begun before"));
    assert_eq!(user.jobs().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_was_killed_ends_when_other_commits_are_asked_about() {
    let user = User::new().await;
    user.review_and_kill(2).await;
    user.provider.set_script(Script::default());
    commit(&user.home, &user.tree, "more.rs");
    let ran = finish(user.command(&["--json"])).exits(0);
    assert!(ran.stderr.contains("of other commits of this work tree is cancelled"), "{}", ran.stderr);
    let files = ran.json()["files"].as_array().unwrap().len();
    assert_eq!(files, 2, "the newer commits are what was reviewed");
    // What its dead worker held ends with the lease, if not now then at the next command.
    let states: Vec<String> = user.jobs().into_iter().map(|(_, state)| state).collect();
    assert!(states.len() == 2 && states[0] == "completed", "{states:?}");
}
