//! Reviews with a model, on a provider that is scripted: what is finished is not paid for again, whoever dies.

use crate::fleet::{Fleet, until};
use flotilla_dev_model::{Options, Script, Server};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
/// Two findings to be proposed: one the second look keeps, one it does not.
const DIFF: &str = "diff --git a/main.rs b/main.rs\n--- a/main.rs\n+++ b/main.rs\n@@ -1 +1,4 @@\n-fn main() {}\n+fn main() {\n\
                    +    answer().unwrap();\n+    // TODO: answer\n+}\n";

/// A fleet and the model it asks.
pub struct World {
    pub fleet: Fleet,
    pub provider: Server,
}

impl World {
    pub async fn new(fleet: Fleet, script: Value) -> Self {
        let script: Script = serde_json::from_value(script).unwrap();
        let provider = Server::start(Options { script, ..Options::default() }).await.unwrap();
        let url = provider.url();
        let path = fleet.home.path().join("flotilla.toml");
        let models = format!(
            "[providers.dev]\nwire = \"anthropic\"\nbase_url = \"{url}\"\nkey = \"any\"\n[models.scripted]\nprovider = \"dev\"\n\
             context = 100000\nmax_output = 4000\nprice = {{ input = \"1.00\", output = \"5.00\" }}\n"
        );
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + &models).unwrap();
        Self { fleet, provider }
    }

    /// Adds to the configuration of processes that start from now on.
    pub fn configure(&self, more: &str) {
        let path = self.fleet.home.path().join("flotilla.toml");
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + more).unwrap();
    }

    pub async fn submit(&self, server: &str) -> String {
        let job = json!({ "kind": "code-review", "payload": { "source": { "type": "diff", "diff": DIFF } } });
        self.fleet.submit(server, &[job]).await.remove(0)
    }
}

/// Checks a finished review and what is on record of its cost; answers with how many calls were made.
async fn reviewed(world: &World, server: &str, id: &str) -> u64 {
    let job = world.fleet.until_job(server, id, "completed").await;
    let agent = &job["output"]["agent"];
    assert_eq!((&agent["steps"], &agent["models"]), (&json!(3), &json!(["scripted"])), "{job}");
    let findings = job["output"]["findings"].as_array().unwrap();
    let by_model = findings.iter().filter(|finding| finding["source"] == "model").count();
    assert_eq!(by_model, 1, "{findings:?}");
    // What calls of a worker that died held is given back soon after.
    until("nothing held", async || {
        let spent: Value = world.fleet.get(&format!("{server}/v1/spend")).await.json().await.unwrap();
        let row = &spent["rows"][0];
        if row["held"] == 0 { Ok(row["calls"].as_u64().unwrap()) } else { Err(spent.to_string()) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_asks_a_model_and_says_what_it_cost() {
    let world = World::new(Fleet::file(), json!({})).await;
    let (run, server) = world.fleet.start(&["run"]);
    let id = world.submit(&server).await;
    assert_eq!(reviewed(&world, &server, &id).await, 3);
    let spent: Value = world.fleet.get(&format!("{server}/v1/spend")).await.json().await.unwrap();
    assert_eq!(spent["rows"][0]["cost"], world.provider.ledger().cost, "{spent}");
    assert_eq!(run.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_review_goes_on_after_its_last_finished_step_on_both() {
    for fleet in [Fleet::file(), Fleet::remote()] {
        // The second call, which looks at a finding once more, is still being answered when its worker dies.
        let script = json!({ "rules": [{ "when": { "schema": "verify_finding", "call": 1 }, "then": { "first_byte_ms": 60_000 } }] });
        let world = World::new(fleet, script).await;
        let (mut killed, server) = world.fleet.start(&["run"]);
        let id = world.submit(&server).await;
        world.provider.wait_for(2, LIMIT).await.unwrap();
        killed.signal("KILL");
        killed.wait();
        world.provider.set_script(Script::default());

        let (run, server) = world.fleet.start(&["run"]);
        reviewed(&world, &server, &id).await;
        // Two verifications run side by side: one crash repeats no more than what was in flight.
        let calls = world.provider.calls();
        let planned = calls.iter().filter(|call| call.body.to_string().contains("review_findings")).count();
        assert_eq!(planned, 1, "the finished batch was asked for again");
        assert!(calls.len() <= 3 + 2, "{} calls", calls.len());
        assert_eq!(run.stop(), 0);
    }
}
