//! Which handler runs which kind.

use crate::context::Context;
use async_trait::async_trait;
use flotilla_jobs::{Fault, Invalid, Job, NewJob, Options, Outcome};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

/// Runs jobs of one kind.
///
/// An error is a failed attempt that is retried while attempts last; return an [`Outcome`] to say anything else. It
/// may run the same job again, so what it does outside must be safe to do twice.
#[async_trait]
pub trait Handler<J: Job>: Send + Sync + 'static {
    /// Runs one job. It is dropped when the job's time is up or its lease is lost.
    async fn run(&self, job: J, cx: &Context) -> anyhow::Result<Outcome<J::Output>>;

    /// Checks a job that is handed in where this handler is known, beyond what [`Job::validate`] can: against what is
    /// configured. It is not asked again before the job runs.
    fn check(&self, _job: &J) -> Result<(), Invalid> {
        Ok(())
    }
}

/// A handler with its types erased.
#[async_trait]
pub(crate) trait AnyHandler: Send + Sync {
    async fn run(&self, payload: &RawValue, cx: &Context) -> Outcome<Box<RawValue>>;
    fn check(&self, payload: &RawValue) -> Result<(), Invalid>;
    fn defaults(&self) -> Options;
}

/// The kinds a process knows.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Arc<dyn AnyHandler>>,
}

impl Registry {
    /// A registry that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler of a kind. A second one for the same kind takes its place.
    #[must_use]
    pub fn with<J: Job>(mut self, handler: impl Handler<J>) -> Self {
        self.kinds.insert(J::KIND, Arc::new(Typed { handler, job: std::marker::PhantomData::<fn(J)> }));
        self
    }

    /// Names of the kinds it knows, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.kinds.keys().copied()
    }

    /// Checks a job's payload and finds its kind's default options; `None` where the kind is not known here.
    pub fn check(&self, job: &NewJob) -> Option<Result<Options, Invalid>> {
        let handler = self.kinds.get(job.kind.as_str())?;
        Some(handler.check(&job.payload).map(|()| handler.defaults()))
    }

    pub(crate) fn handler(&self, kind: &str) -> Option<Arc<dyn AnyHandler>> {
        self.kinds.get(kind).cloned()
    }
}

struct Typed<H, J> {
    handler: H,
    job: std::marker::PhantomData<fn(J)>,
}

#[async_trait]
impl<J: Job, H: Handler<J>> AnyHandler for Typed<H, J> {
    async fn run(&self, payload: &RawValue, cx: &Context) -> Outcome<Box<RawValue>> {
        let job = match parse::<J>(payload) {
            Ok(job) => job,
            Err(invalid) => return Outcome::Fail(Fault::new("invalid_payload", invalid.to_string())),
        };
        match self.handler.run(job, cx).await {
            Ok(outcome) => erase::<J>(outcome),
            Err(error) => Outcome::Retry { fault: Fault::new("handler", format!("{error:#}")), after: None },
        }
    }

    fn check(&self, payload: &RawValue) -> Result<(), Invalid> {
        let job = parse::<J>(payload)?;
        self.handler.check(&job).map_err(|e| e.under("payload"))
    }

    fn defaults(&self) -> Options {
        J::defaults()
    }
}

fn parse<J: Job>(payload: &RawValue) -> Result<J, Invalid> {
    let job: J = serde_json::from_str(payload.get()).map_err(|e| Invalid::new("payload", e.to_string()))?;
    job.validate().map_err(|e| e.under("payload"))?;
    Ok(job)
}

fn erase<J: Job>(outcome: Outcome<J::Output>) -> Outcome<Box<RawValue>> {
    match outcome {
        Outcome::Done(output) => match serde_json::value::to_raw_value(&output) {
            Ok(raw) => Outcome::Done(raw),
            Err(error) => Outcome::Fail(Fault::new("invalid_output", format!("the output is not JSON: {error}"))),
        },
        Outcome::Retry { fault, after } => Outcome::Retry { fault, after },
        Outcome::Fail(fault) => Outcome::Fail(fault),
        Outcome::Cancel(reason) => Outcome::Cancel(reason),
        Outcome::Snooze(wait) => Outcome::Snooze(wait),
        Outcome::Pause(reason) => Outcome::Pause(reason),
    }
}
