//! A job followed from processes other than its worker, with a broken connection in between.

use crate::fleet::{Fleet, PATIENCE};
use reqwest::Response;
use serde_json::Value;

#[tokio::test]
async fn a_job_is_followed_from_elsewhere_on_both() {
    a_job_is_followed_from_elsewhere(Fleet::remote()).await;
}

#[tokio::test]
async fn a_job_is_followed_from_elsewhere_on_one_file() {
    a_job_is_followed_from_elsewhere(Fleet::file()).await;
}

async fn a_job_is_followed_from_elsewhere(fleet: Fleet) {
    let (_serve, server) = fleet.start(&["serve"]);
    let (work, _) = fleet.start(&["work"]);
    let id = fleet.submit(&server, &[fleet.gated()]).await.remove(0);
    let url = format!("{server}/v1/jobs/{id}/events");
    let mut watch = crate::support::Service::start(fleet.home.command(&["watch", &id]));
    watch.line("running");

    let mut events = Events::new(fleet.get(&url).await);
    let first = events.until(|event| event.name == "progress").await;
    let seen = first.last().unwrap().id.clone();
    drop(events);
    fleet.open_gate();
    let again = fleet.http().get(&url).header("last-event-id", &seen).send().await.unwrap();
    let rest = Events::new(again).until(Event::is_last).await;
    let end = rest.last().unwrap();
    assert!(end.name == "state" && end.data["state"] == "completed", "{end:?}");

    let numbered = first.iter().chain(&rest).filter_map(|event| event.data["seq"].as_u64());
    let seqs: Vec<u64> = numbered.collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "no event twice, and none left out");
    let done: Vec<u64> = rest.iter().filter_map(|event| event.data["done"].as_u64()).collect();
    assert!(!done.is_empty() && done.is_sorted(), "{rest:?}");
    let over = fleet.http().get(&url).header("last-event-id", &end.id).send().await.unwrap();
    assert_eq!(over.status(), 204);
    watch.line("completed");
    assert_eq!((watch.wait(), work.stop()), (0, 0));
}

/// A server-sent event.
#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

impl Event {
    fn is_last(&self) -> bool {
        self.id.strip_suffix(".end").is_some()
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let data = serde_json::from_str(field("data")?).unwrap();
        Some(Self { id: field("id")?.to_owned(), name: field("event")?.to_owned(), data })
    }
}

/// Events as they arrive.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// Everything up to the first event for which this holds.
    async fn until(&mut self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (Event::parse(event), rest.to_owned());
                self.text = rest;
                let Some(event) = event else { continue };
                seen.push(event);
                if last(&seen[seen.len() - 1]) {
                    return seen;
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| panic!("nothing came after {seen:?}")).unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("it ended after {seen:?}"));
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
