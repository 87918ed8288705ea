//! The same answers as chats, by way of a server, each with a reader of its own.

use super::{
    Plan, Provider, Streams, catalog, direct,
    heard::{Heard, Told},
    listen,
    meter::Meter,
};
use crate::bench::Process;
use anyhow::{Context, bail, ensure};
use eventsource_stream::Eventsource;
use flotilla_jobs::{JobState, api::ChatAnswer};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use std::{borrow::Cow, sync::Arc};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

/// A server and a worker, each in a process of its own.
#[derive(Clone, Debug)]
pub struct Served {
    /// Of the server, without a path.
    pub url: String,
    /// The server's process.
    pub server: u32,
    /// The worker's process.
    pub worker: u32,
}

/// Measures: first chats that are read from the server, then calls of the provider without Flotilla.
///
/// # Errors
/// Fails where the provider cannot be called at all; an answer that does not come shows in the report.
pub async fn streams_of_readers(fleet: &Served, plan: Plan, provider: &Provider) -> anyhow::Result<Streams> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let [worker, server, scripted] = [fleet.worker, fleet.server, provider.pid].map(Process::of);
    let mut meter = Meter::start(plan.runs, worker, Some(server), scripted);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let start = Instant::now();
    let mut readers = JoinSet::new();
    for n in 0..plan.runs {
        let (client, url, tell) = (client.clone(), format!("{}/v1/chat/stream", fleet.url), tell.clone());
        readers.spawn(async move {
            tokio::time::sleep_until(start + plan.beat() * n as u32).await;
            let mut heard = Heard { asked: Some(Instant::now()), ..Heard::default() };
            let read = read(&client, &url, n, &mut heard, &tell).await;
            heard.whole = read.is_ok();
            let _ = tell.send(Told::Ended { n, heard });
            read
        });
    }
    drop(tell);
    let heard = listen(plan, &mut told, &mut meter).await;
    let cost = meter.stop(heard.iter().filter(|one| one.whole).count() as u64);
    readers.abort_all();
    let mut missed = None;
    while let Some(read) = readers.join_next().await {
        missed = missed.or(read.ok().and_then(Result::err));
    }
    if let Some(error) = missed {
        tracing::warn!(error = format!("{error:#}"), "an answer was not read to its end");
    }
    let direct = direct::call(plan, provider.pid, &Arc::new(catalog(&provider.base_url)?)).await?;
    Ok(Streams::of(plan, &heard, cost, &direct))
}

async fn read(
    client: &reqwest::Client,
    url: &str,
    n: u64,
    heard: &mut Heard,
    tell: &mpsc::UnboundedSender<Told>,
) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Text<'a> {
        #[serde(borrow)]
        text: Cow<'a, str>,
    }
    let message = json!({ "message": format!("Tell story number {n}.") });
    let answer = client.post(url).json(&message).send().await?;
    if !answer.status().is_success() {
        bail!("{}: {}", answer.status(), answer.text().await.unwrap_or_default());
    }
    let mut events = answer.bytes_stream().eventsource();
    while let Some(event) = events.next().await {
        let event = event.map_err(|e| anyhow::anyhow!("{e}"))?;
        match event.event.as_str() {
            "text" => {
                let said: Text<'_> = serde_json::from_str(&event.data).context("an event cannot be read")?;
                if heard.word(&said.text) {
                    let _ = tell.send(Told::First);
                }
            }
            // It is said again.
            "reset" => heard.bytes = 0,
            "answer" | "error" => {
                let answer: ChatAnswer = serde_json::from_str(&event.data).context("an answer cannot be read")?;
                ensure!(answer.state == JobState::Completed, "the turn ended as {}", answer.state.as_str());
                let written = answer.reply.map_or(0, |reply| reply.text.len() as u64);
                ensure!(written == heard.bytes, "{} of {written} bytes of the answer were read", heard.bytes);
                return Ok(());
            }
            _ => {}
        }
    }
    bail!("the stream ended before its answer")
}
