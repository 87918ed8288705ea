//! A client that goes away right after it handed a job in: handing it in again, with the same key, gives the same job.

use crate::fleet::{Fleet, nap};
use serde_json::Value;
use std::{
    io::Write,
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// How long clients wait before they go: in the middle of the request's way through the server, or after its answer.
const WAITS_MS: [u64; 8] = [0, 0, 1, 2, 4, 8, 16, 200];

#[tokio::test]
async fn a_client_that_goes_away_gets_the_same_job_again_on_both() {
    a_client_that_goes_away_gets_the_same_job_again(Fleet::remote()).await;
}

#[tokio::test]
async fn a_client_that_goes_away_gets_the_same_job_again_on_one_file() {
    a_client_that_goes_away_gets_the_same_job_again(Fleet::file()).await;
}

async fn a_client_that_goes_away_gets_the_same_job_again(fleet: Fleet) {
    let (_serve, server) = fleet.start(&["serve"]);
    let (work, _) = fleet.start(&["work"]);
    let job = nap(Duration::from_millis(1));
    let mut ids = Vec::new();
    for (number, wait) in WAITS_MS.iter().enumerate() {
        let key = format!("gone-{number}");
        hand_in_and_go(&server, &key, &job, Duration::from_millis(*wait));
        let again = async || -> Value {
            let answer = fleet.post(&server, &job).header("idempotency-key", &key).send().await.unwrap();
            answer.error_for_status().unwrap().json().await.unwrap()
        };
        let (second, third) = (again().await, again().await);
        assert!(second["id"] == third["id"] && third["duplicate"] == true, "{second} {third}");
        assert!(*wait < 200 || second["duplicate"] == true, "its first request was never heard: {second}");
        ids.push(second["id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        let job = fleet.until_job(&server, id, "completed").await;
        assert!(job["output"]["run"] == 1 && job["history"].is_null(), "{job}");
    }
    let listed = fleet.list(&server).await;
    assert_eq!(listed.len(), ids.len(), "nothing was accepted twice");
    assert_eq!(work.stop(), 0);
}

/// Sends a whole request, and closes the connection without reading a byte of the answer.
fn hand_in_and_go(server: &str, key: &str, job: &Value, wait: Duration) {
    let address = server.strip_prefix("http://").unwrap();
    let body = job.to_string();
    let request = format!(
        "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nidempotency-key: {key}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(wait);
    let _ = stream.shutdown(Shutdown::Both);
}
