//! A server killed right after it accepted: another one answers for its jobs.

use crate::fleet::{Fleet, diff};
use serde_json::{Value, json};

const JOBS: usize = 200;

#[tokio::test]
async fn what_a_killed_server_accepted_is_kept_by_both() {
    what_a_killed_server_accepted_is_kept(Fleet::remote()).await;
}

#[tokio::test]
async fn what_a_killed_server_accepted_is_kept_by_one_file() {
    what_a_killed_server_accepted_is_kept(Fleet::file()).await;
}

async fn what_a_killed_server_accepted_is_kept(fleet: Fleet) {
    let (mut killed, first) = fleet.start(&["serve"]);
    let jobs: Vec<Value> = (0..JOBS).map(diff).collect();
    let submit = async |server: &str, jobs: &Value| {
        let answer = fleet.post(server, jobs).header("idempotency-key", "k").send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, accepted) = submit(&first, &json!(jobs)).await;
    killed.signal("KILL");
    assert_eq!((status, killed.wait()), (201, -1));

    let (serve, second) = fleet.start(&["serve"]);
    let ids =
        |accepted: &Value| -> Vec<Value> { accepted.as_array().unwrap().iter().map(|job| job["id"].clone()).collect() };
    for id in ids(&accepted) {
        assert_eq!(fleet.job(&second, id.as_str().unwrap()).await["state"], "pending");
    }
    let (status, repeated) = submit(&second, &json!(jobs)).await;
    assert_eq!((status, ids(&repeated)), (200, ids(&accepted)));
    assert!(repeated.as_array().unwrap().iter().all(|job| job["duplicate"] == true), "{repeated}");
    // The same key with other work is a mistake, also on a server that did not see the first.
    let others: Vec<Value> = (1..=JOBS).map(diff).collect();
    assert_eq!(submit(&second, &json!(others)).await.0, 409);

    let (work, _) = fleet.start(&["work"]);
    fleet.until(&second, "completed", JOBS).await;
    assert_eq!(fleet.list(&second).await.len(), JOBS);
    assert_eq!((work.stop(), serve.stop()), (0, 0));
}
