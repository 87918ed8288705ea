//! The same calls by the same client, with nothing around them.

use super::{NAME, Plan, heard::Heard, report::Direct};
use crate::{
    agents::model::{Catalog, Client, Event, Message, Request},
    bench::{Process, Usage},
};
use std::sync::Arc;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// Makes as many calls, begun as fast, as there were runs.
pub(super) async fn call(plan: Plan, pid: u32, catalog: &Arc<Catalog>) -> anyhow::Result<Direct> {
    let client = Arc::new(Client::new());
    let mut beat = interval(plan.beat());
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let provider = Process::of(pid);
    let (start, before, provider_before) = (Instant::now(), Usage::now(), provider.cpu_seconds());
    let mut calls = JoinSet::new();
    for n in 0..plan.runs {
        beat.tick().await;
        calls.spawn(one(Arc::clone(&client), Arc::clone(catalog), n));
    }
    let mut heard = Vec::with_capacity(plan.runs as usize);
    while let Some(call) = calls.join_next().await {
        heard.push(call??);
    }
    let (seconds, spent) = (start.elapsed().as_secs_f64(), Usage::now().since(before));
    let provider = provider.cpu_seconds().zip(provider_before).map_or(0.0, |(now, before)| now - before);
    let percent = |cpu: f64| cpu / seconds * 100.0;
    Ok(Direct { heard, client_cpu_percent: percent(spent.process), provider_cpu_percent: percent(provider) })
}

async fn one(client: Arc<Client>, catalog: Arc<Catalog>, n: u64) -> anyhow::Result<Heard> {
    let (provider, model) = catalog.model(NAME).ok_or_else(|| anyhow::anyhow!("there is no model {NAME}"))?;
    let request = Request {
        system: "You tell stories.".into(),
        messages: vec![Message::User { text: format!("Tell story number {n}.") }],
        tools: Arc::default(),
        max_output: model.max_output,
        temperature: None,
        answer: None,
    };
    let mut heard = Heard { asked: Some(Instant::now()), ..Heard::default() };
    let mut hear = |event| {
        if let Event::Text(text) = event {
            heard.word(&text);
        }
    };
    client.call(provider, model, &request, &CancellationToken::new(), &mut hear).await?;
    heard.whole = true;
    Ok(heard)
}
