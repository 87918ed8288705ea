//! `code-review`: runs the review pipeline as a job.

mod mind;
mod tools;

use crate::{
    agents::{Agents, Halt, JobRef, Said},
    context::Context,
    registry::Handler,
    review::{self, AGENT, Error, Host, Prepared, Watch},
};
use async_trait::async_trait;
use flotilla_jobs::{
    Fault, Outcome,
    kinds::{CodeReview, Review, Source},
};
use mind::RunMind;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::time::Instant;

/// What a review says that no model took part in, where one could.
const NO_MODEL: &str =
    "rules only: no model is configured; a route `review` or `default` in the configuration adds one";

/// Reviews changes whose work trees lie below the roots of its host.
#[derive(Clone, Debug)]
pub struct Reviewer {
    host: Host,
    agents: Option<Agents>,
}

/// What a review keeps for as long as its run lasts.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pinned {
    base: String,
    head: String,
    digest: String,
}

impl Reviewer {
    /// A reviewer with what it may use; by rules alone.
    pub fn new(host: impl Into<Host>) -> Self {
        Self { host: host.into(), agents: None }
    }

    /// The same with agents, which ask models.
    #[must_use]
    pub fn with_agents(mut self, agents: Option<Agents>) -> Self {
        self.agents = agents;
        self
    }

    /// Asks a model about a change, where one is wanted and there is any.
    async fn ask(
        &self,
        agents: Option<&Agents>,
        job: &CodeReview,
        prepared: Prepared,
        cx: &Context,
    ) -> Result<Review, Ended> {
        let Some(wishes) = prepared.wishes() else { return Ok(prepared.without(None)) };
        let Some(agents) = agents else {
            let could = self.agents.is_some();
            return Ok(prepared.without(could.then(|| NO_MODEL.to_owned())));
        };
        let started = Instant::now();
        let route = wishes.route.as_deref();
        let unknown = route.filter(|name| agents.catalog().route(name).is_none()).map(not_configured);
        let opened = agents.open_on(job_of(cx), AGENT, route, &pinned(&prepared)).await;
        let run = match opened {
            Ok(run) => run,
            Err(Halt::Fail(fault)) if fault.code == "no_model" => return Ok(prepared.without(Some(NO_MODEL.into()))),
            Err(halt) => return ended(halt, prepared),
        };
        let began_with: Pinned = match run.extra() {
            Ok(extra) => extra,
            Err(halt) => return ended(halt, prepared),
        };
        // The branch moved since the run began: it goes on with what it began with.
        let prepared = match self.again(job, &began_with, &prepared, cx).await? {
            Some(earlier) => earlier,
            None => prepared,
        };
        let toolbox = tools::of(&job.source, &prepared, &self.host, &watch(cx)).await.map_err(Ended::Error)?;
        let mind = RunMind::new(run, wishes.budget, toolbox);
        let result = prepared.ask(&mind, &watch(cx)).await;
        mind.run.ended(result.as_ref().err());
        match result {
            Ok(mut added) => {
                let took = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
                mind::account(&mind.run, &mut added.work, took);
                added.notes.extend(unknown);
                Ok(prepared.with(added))
            }
            Err(halt) => ended(halt, prepared),
        }
    }

    /// The change that a run began with, where it is another one now and still there.
    async fn again(
        &self,
        job: &CodeReview,
        began_with: &Pinned,
        now: &Prepared,
        cx: &Context,
    ) -> Result<Option<Prepared>, Ended> {
        let Source::WorkTree { path, staged: false, unstaged: false, .. } = &job.source else { return Ok(None) };
        if *began_with == pinned(now) {
            return Ok(None);
        }
        let source = Source::WorkTree {
            path: path.clone(),
            base: Some(began_with.base.clone()),
            head: Some(began_with.head.clone()),
            staged: false,
            unstaged: false,
        };
        match review::prepare(&source, &self.host, &watch(cx), true).await {
            Ok(earlier) if earlier.digest() == began_with.digest => Ok(Some(earlier)),
            Err(error) if error.is_transient() => Err(Ended::Error(error)),
            // Then what is on record differs from what comes now, and the run begins anew.
            _ => Ok(None),
        }
    }
}

/// Why there is no review.
enum Ended {
    Error(Error),
    Halt(Halt),
}

/// A failure for good leaves what rules found; anything else ends the attempt.
fn ended(halt: Halt, prepared: Prepared) -> Result<Review, Ended> {
    match halt {
        Halt::Fail(fault) => Ok(prepared.without(Some(format!("no model reviewed the change: {}", fault.message)))),
        halt => Err(Ended::Halt(halt)),
    }
}

fn not_configured(route: &str) -> String {
    format!(
        "`{route}`, which review.model.route in .flotilla.toml names, is no route of the configuration; the agent's own was taken"
    )
}

fn pinned(prepared: &Prepared) -> Pinned {
    let Review { base, head, .. } = prepared.review();
    Pinned { base: base.clone(), head: head.clone(), digest: prepared.digest().to_owned() }
}

fn job_of(cx: &Context) -> JobRef {
    JobRef {
        lease: cx.lease.clone(),
        tenant: cx.tenant().to_owned(),
        session: None,
        cancelled: cx.cancelled().clone(),
        stopping: cx.stopping().clone(),
        // The pipeline says how far it is; what models say is JSON, which is for no one to read along.
        say: Arc::new(|_: Said| ()),
    }
}

fn watch(cx: &Context) -> Watch {
    let voice = cx.clone();
    let say = move |done, total, message: &str| voice.progress(done, Some(total), message);
    Watch::new(cx.cancelled().clone(), cx.stopping().clone(), Arc::new(say))
}

#[async_trait]
impl Handler<CodeReview> for Reviewer {
    async fn run(&self, job: CodeReview, cx: &Context) -> anyhow::Result<Outcome<Review>> {
        let agents = self.agents.as_ref().filter(|agents| agents.has_models());
        let result = match review::prepare(&job.source, &self.host, &watch(cx), agents.is_some()).await {
            Ok(prepared) => self.ask(agents, &job, prepared, cx).await,
            Err(error) => Err(Ended::Error(error)),
        };
        outcome(result, cx)
    }
}

fn outcome(result: Result<Review, Ended>, cx: &Context) -> anyhow::Result<Outcome<Review>> {
    match result {
        Ok(review) => {
            cx.progress(Watch::STAGES, Some(Watch::STAGES), format!("{} findings", review.findings.len()));
            Ok(Outcome::Done(review))
        }
        Err(Ended::Halt(halt)) => Ok(halt.outcome()),
        // What hinders now may be gone on the next attempt, or on another worker.
        Err(Ended::Error(error)) if error.is_transient() => Err(error.into()),
        Err(Ended::Error(error)) => Ok(Outcome::Fail(Fault::new(error.code(), error.to_string()))),
    }
}
