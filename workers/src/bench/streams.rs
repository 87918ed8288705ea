//! Many conversations that stream at the same time in one worker, beside calls of the same provider without Flotilla.

mod direct;
mod heard;
mod meter;
mod readers;
mod report;
mod talk;

pub use readers::{Served, streams_of_readers};
pub use report::{Cost, ServerCost, Side, Streams, Wait};

use super::{Process, QUEUE};
use crate::{
    agents::{
        Agents, Definition, Definitions, Means,
        budget::{Allowance, Budgets},
        model::{Catalog, Client, ModelSettings, ProviderSettings, Settings, Wire, tokens},
    },
    clock::Clock,
    engine_side::EngineSide,
    fleet::{Fleet, FleetOptions, QueueWeight},
    handlers::Choir,
    metrics::Metrics,
    registry::Registry,
    store::{Store, Submission},
};
use flotilla_jobs::{Job, JobId, MicroUsd, NewJob};
use heard::{Heard, Told};
use meter::Meter;
use std::{sync::Arc, time::Duration};
use talk::{AGENT, Talk, Talker};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// What a scripted provider says again and again: one token.
pub const WORD: &str = " word";
/// The model, the provider and the route of the measurement.
const NAME: &str = "bench";
/// How much longer than the answers themselves all may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A gap between two words that someone who reads along would call a stall.
const STALL: Duration = Duration::from_secs(1);

/// What is to be measured.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Plan {
    pub runs: u64,
    /// Words of one answer.
    pub tokens: u64,
    pub tokens_per_second: u32,
    pub starts_per_second: u64,
}

impl Plan {
    /// How long all should take.
    fn length(&self) -> Duration {
        let starts = self.runs / self.starts_per_second.max(1);
        Duration::from_secs(starts + self.tokens / u64::from(self.tokens_per_second.max(1)))
    }

    fn beat(&self) -> Duration {
        Duration::from_secs(1) / self.starts_per_second.clamp(1, 1_000_000) as u32
    }
}

/// A provider that says so many words, so fast, in a process of its own.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What a path of OpenAI's Chat Completions is appended to.
    pub base_url: String,
    #[allow(missing_docs)]
    pub pid: u32,
}

/// Measures: first through Flotilla, so that the memory seen is what that takes, then without it.
pub async fn streams(store: &Arc<dyn Store>, plan: Plan, provider: &Provider) -> anyhow::Result<Streams> {
    let catalog = Arc::new(catalog(&provider.base_url)?);
    // A worker does so when it starts.
    tokio::task::spawn_blocking(tokens::prepare).await?;
    let (heard, cost) = through(store, plan, provider.pid, &catalog).await?;
    let direct = direct::call(plan, provider.pid, &catalog).await?;
    Ok(Streams::of(plan, &heard, cost, &direct))
}

/// Runs all of it as jobs.
async fn through(
    store: &Arc<dyn Store>,
    plan: Plan,
    pid: u32,
    catalog: &Arc<Catalog>,
) -> anyhow::Result<(Vec<Heard>, Cost)> {
    let metrics = Metrics::new();
    let (tell, mut told) = mpsc::unbounded_channel();
    let agents = agents(store, catalog, &metrics)?;
    let registry = Registry::new().with::<Talk>(Talker { agents, tell, choir: Choir::default() });
    let options = FleetOptions {
        concurrency: plan.runs as usize,
        queues: vec![QueueWeight::new(QUEUE, 1)],
        ..FleetOptions::default()
    };
    let fleet = Fleet::new(Arc::clone(store), registry, metrics, options);
    let stop = CancellationToken::new();
    let mut meter = Meter::start(plan.runs, Process::this(), None, Process::of(pid));
    let running = tokio::spawn(fleet.run(stop.clone()));
    let submitting = tokio::spawn(submit(Arc::clone(store), plan));
    let mut heard = listen(plan, &mut told, &mut meter).await;
    stop.cancel();
    let report = running.await?;
    let cost = meter.stop(report.completed);
    let submitted = submitting.await??;
    for (one, (_, at)) in heard.iter_mut().zip(&submitted) {
        one.asked = Some(*at);
    }
    if let Some(((job, _), one)) = submitted.iter().zip(&heard).find(|(_, one)| one.whole) {
        complete(store, *job, one).await?;
    }
    Ok((heard, cost))
}

/// Hears all answers out, or as many as end in time: what did not end shows in the report.
async fn listen(plan: Plan, told: &mut mpsc::UnboundedReceiver<Told>, meter: &mut Meter) -> Vec<Heard> {
    let mut heard = vec![Heard::default(); plan.runs as usize];
    let deadline = Instant::now() + plan.length() + PATIENCE;
    let mut look = interval(LOOK);
    let mut left = plan.runs;
    while left > 0 {
        tokio::select! {
            _ = look.tick() => meter.look(),
            one = timeout_at(deadline, told.recv()) => match one {
                Ok(Some(Told::Started { n, at })) => {
                    meter.starts += 1;
                    if let Some(one) = heard.get_mut(n as usize) {
                        one.started.get_or_insert(at);
                    }
                }
                Ok(Some(Told::First)) => meter.began(),
                Ok(Some(Told::Ended { n, heard: one })) => {
                    meter.ended();
                    left -= 1;
                    if let Some(place) = heard.get_mut(n as usize) {
                        *place = Heard { started: place.started, ..one };
                    }
                }
                Ok(None) | Err(_) => break,
            },
        }
    }
    heard
}

/// Answers each job and when it was handed in.
async fn submit(store: Arc<dyn Store>, plan: Plan) -> anyhow::Result<Vec<(JobId, Instant)>> {
    let mut beat = interval(plan.beat());
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    for n in 0..plan.runs {
        beat.tick().await;
        let job = Submission::new(NewJob::of(&Talk { n })?, Talk::defaults())?;
        let store = Arc::clone(&store);
        calls.spawn(async move {
            let at = Instant::now();
            let accepted = store.enqueue(vec![job]).await?;
            let id = accepted.first().map(|one| one.id).ok_or_else(|| anyhow::anyhow!("a job was not accepted"))?;
            anyhow::Ok((n, id, at))
        });
    }
    let mut all = Vec::with_capacity(plan.runs as usize);
    while let Some(call) = calls.join_next().await {
        all.push(call??);
    }
    all.sort_unstable_by_key(|(n, ..)| *n);
    Ok(all.into_iter().map(|(_, id, at)| (id, at)).collect())
}

/// Fails unless all that a run said is in its job's live output.
async fn complete(store: &Arc<dyn Store>, job: JobId, heard: &Heard) -> anyhow::Result<()> {
    let mut bytes = 0;
    let mut after = 0;
    loop {
        let page = store.read(job, after, 1_000).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        bytes += page.iter().map(|event| talk::said(&event.event)).sum::<u64>();
    }
    anyhow::ensure!(bytes == heard.bytes, "{bytes} of {} bytes are in the live output of job {job}", heard.bytes);
    Ok(())
}

fn agents(store: &Arc<dyn Store>, catalog: &Arc<Catalog>, metrics: &Metrics) -> anyhow::Result<Agents> {
    let file = format!("{AGENT}.toml");
    let definition = Definition::parse(&file, include_str!("streams/bench-stream.toml"))?;
    let side = Arc::new(EngineSide::new(Arc::clone(store)));
    // Never reached; what is not limited is not looked at.
    let plenty = Allowance { cost: Some(MicroUsd(1_000_000_000_000)), tokens: None };
    Ok(Agents::new(Means {
        catalog: Arc::clone(catalog),
        client: Arc::new(Client::new()),
        journal: Arc::clone(&side) as _,
        ledger: Arc::clone(&side) as _,
        admission: side,
        budgets: Budgets { job: plenty, tenant_day: plenty, day: plenty, ..Budgets::default() },
        definitions: [definition].into_iter().collect::<Definitions>(),
        metrics: metrics.agents(),
        clock: Clock::Store,
    }))
}

fn catalog(base_url: &str) -> anyhow::Result<Catalog> {
    let provider = ProviderSettings {
        wire: Some(Wire::OpenaiChat),
        base_url: Some(base_url.to_owned()),
        ..ProviderSettings::default()
    };
    let model: ModelSettings = toml::from_str(
        "provider = \"bench\"\ncontext = 1000000\nmax_output = 100000\nprice = \"input=1.00,output=5.00\"\n\
         requests_per_minute = 10000000\ninput_tokens_per_minute = 10000000000\noutput_tokens_per_minute = 100000000000\n\
         streams = 100000\n",
    )?;
    let providers = [(NAME.to_owned(), provider)].into();
    Ok(Catalog::new(Settings { providers, models: [(NAME.to_owned(), model)].into(), ..Settings::default() })?)
}
