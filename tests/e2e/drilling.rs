//! The kind that rehearses failures does as it is told, where it is let in.

use crate::{fleet::Fleet, support::Home};
use serde_json::json;

#[tokio::test]
async fn a_drill_does_as_it_is_told() {
    let fleet = Fleet::file();
    let (_run, server) = fleet.start(&["run"]);
    let steps = json!([
        { "do": "say", "text": "hello" },
        { "do": "progress", "done": 1, "total": 2, "message": "half" },
        { "do": "retry", "message": "not yet", "after_ms": 1, "only_attempt": 1 },
        { "do": "panic", "message": "not yet either", "only_attempt": 2 },
        { "do": "exhaust_memory", "mib": 1 },
        { "do": "sleep", "ms": 1 },
    ]);
    let backoff = json!({ "base_ms": 1, "cap_ms": 1 });
    let job = json!({ "kind": "drill", "payload": { "steps": steps }, "options": { "backoff": backoff } });
    let ids = fleet.submit(&server, &[job]).await;
    let job = fleet.until_job(&server, &ids[0], "completed").await;
    assert_eq!(job["output"], json!({ "steps": 4, "run": 3 }));
    assert_eq!(job["attempts"]["failure"], 2);
    assert_eq!(job["progress"]["message"], "half");
    let faults: Vec<_> = job["history"].as_array().unwrap().iter().map(|run| &run["error"]["message"]).collect();
    assert_eq!(faults, ["not yet", "the handler panicked: not yet either"], "{job}");
}

#[test]
fn nobody_drills_a_fleet_that_does_not_say_so() {
    let home = Home::new();
    let refused = home.run(&["submit", "drill", r#"{"steps":[{"do":"abort"}]}"#]).exits(2);
    assert!(refused.stderr.contains("drill"), "{}", refused.stderr);
}
