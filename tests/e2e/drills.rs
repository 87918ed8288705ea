//! Workers that rehearse failures, what they are told to do, and what is then on record.

use crate::{
    fleet::{Fleet, PATIENCE, until},
    support::Service,
};
use serde_json::{Value, json};
use std::process::Command;

/// What every worker of these tests is told.
const DRILLS: [&str; 2] = ["--set", "worker.drills=true"];

/// A drill of these steps.
pub fn drill(steps: &Value) -> Value {
    json!({ "kind": "drill", "payload": { "steps": steps } })
}

/// A process that knows drills, and its address.
pub fn start(fleet: &Fleet, args: &[&str]) -> (Service, String) {
    fleet.start(&[args, &DRILLS].concat())
}

/// The same, started by another program that then becomes it.
pub fn start_by(fleet: &Fleet, wrapper: &[&str], args: &[&str]) -> (Service, String) {
    let own = fleet.home.command(&[args, &DRILLS].concat());
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(own.get_program()).args(own.get_args()).env_clear();
    command.envs(own.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.current_dir(fleet.home.path()).env("FLOTILLA_LOG__FORMAT", "json");
    let mut service = Service::start(command);
    let url = service.url();
    (service, url)
}

/// The value of a series of a process's metrics; 0 where there is none.
pub async fn metric(fleet: &Fleet, url: &str, series: &str) -> u64 {
    let text = fleet.get(&format!("{url}/metrics")).await.text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    value.unwrap_or(0)
}

/// Returns when the series is at least so high.
pub async fn until_metric(fleet: &Fleet, url: &str, series: &str, least: u64) {
    until(series, async || {
        let value = metric(fleet, url, series).await;
        if value >= least { Ok(()) } else { Err(value.to_string()) }
    })
    .await;
}

/// Returns when `/ready` answers so.
pub async fn until_ready(fleet: &Fleet, url: &str, status: u16) {
    until("readiness", async || {
        let seen = fleet.get(&format!("{url}/ready")).await.status().as_u16();
        if seen == status { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
}

/// How many jobs are accepted and have not ended.
pub async fn unfinished(fleet: &Fleet, server: &str) -> u64 {
    let queues: Value = fleet.get(&format!("{server}/v1/queues")).await.json().await.unwrap();
    let queues = queues["queues"].as_array().cloned().unwrap_or_default();
    let count = |queue: &Value, name: &str| queue[name].as_u64().unwrap_or(0);
    let open = ["scheduled", "pending", "running", "paused_jobs"];
    queues.iter().map(|queue| open.iter().map(|name| count(queue, name)).sum::<u64>()).sum()
}

/// Returns when a job has said this so often.
pub async fn until_said(fleet: &Fleet, server: &str, id: &str, text: &str, times: usize) {
    let mut events = fleet.get(&format!("{server}/v1/jobs/{id}/events")).await;
    let (mut seen, said) = (String::new(), json!({ "text": text }).to_string());
    let said = said.trim_matches(['{', '}']);
    while seen.matches(said).count() < times {
        let chunk = tokio::time::timeout(PATIENCE, events.chunk()).await.unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(&chunk.unwrap_or_else(|| panic!("it ended after {seen}"))));
    }
}

/// The texts of the live output of a job that has ended.
pub async fn said(fleet: &Fleet, server: &str, id: &str) -> Vec<String> {
    let events = fleet.get(&format!("{server}/v1/jobs/{id}/events")).await.text().await.unwrap();
    let data = events.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?).ok());
    data.filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect()
}
