//! One paid call: let through, on record, made, and on record again with what it cost.

use super::Asked;
use crate::{
    admission::{Ask, Used, Why},
    agents::{
        gate::{self, Entry, Pass},
        halt::Halt,
        host::Said as Live,
        model::{Answered, Client, Event, Model, ModelError, Price, Provider, Request},
        patience::{LONG, SHORT},
        record::{self, Said},
        run::{Run, only},
        talk::Talk,
        traced,
    },
    journal::{Begin, Begun, EndStep, Ended, StepOutcome},
    ledger::{Call, Hold},
    metrics::CallEnded,
};
use async_trait::async_trait;
use flotilla_jobs::{MicroUsd, Usage};
use serde_json::value::to_raw_value;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// After a stream's longest time: its permit counts no more, as its worker must have died.
const PERMIT_MARGIN: Duration = Duration::from_secs(30);
/// For the last word on a call of a job that must end.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Calls models.
#[async_trait]
pub trait Speak: Send + Sync {
    /// One call, without any retry.
    async fn call(
        &self,
        provider: &Provider,
        model: &Model,
        request: &Request,
        cancelled: &CancellationToken,
        hear: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Answered, ModelError>;
}

#[async_trait]
impl Speak for Client {
    async fn call(
        &self,
        provider: &Provider,
        model: &Model,
        request: &Request,
        cancelled: &CancellationToken,
        hear: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Answered, ModelError> {
        Self::call(self, provider, model, request, cancelled, hear).await
    }
}

/// What came of trying one call.
pub(super) enum Once {
    /// The model answered, now or before.
    Said(Said),
    /// It may not be called yet.
    Wait(Duration, String),
    /// It may never be called with so much.
    TooLarge(String),
    /// It was called and gave no answer.
    Failed(ModelError),
}

/// Tokens that a call may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    /// Without any correction.
    pub plain: u64,
    /// As corrected by what the model's provider counted before.
    pub input: u64,
    /// The same with a margin: what a budget must have room for.
    pub held: u64,
    pub output: u64,
}

impl Run {
    /// Tokens of the next call of a model.
    pub(super) fn estimate(&self, talk: &Talk, (provider, model): (&Provider, &Model)) -> Estimate {
        let plain = talk.tokens(provider.wire);
        let factors = self.agents.learned.factors();
        let (input, held) = (factors.corrected(model, plain), factors.held(model, plain));
        Estimate { plain, input, held, output: talk.request.max_output.min(model.max_output).into() }
    }

    /// Calls a model once.
    pub(super) async fn once(&self, asked: &Asked<'_>, name: &str) -> Result<Once, Halt> {
        let means = &self.agents.means;
        let Some((provider, model)) = means.catalog.model(name) else {
            return Ok(Once::TooLarge(format!("the model `{name}` is not configured any more")));
        };
        let kept_as = self.kept_as(asked, provider, model);
        if let Some(name) = &kept_as
            && let Some(reply) = self.kept_answer(name).await
        {
            return self.give_again(asked, (provider, model), reply).await;
        }
        let estimate = self.estimate(asked.talk, (provider, model));
        let hold = hold(model, &estimate);
        let _room = tokio::select! {
            biased;
            () = self.job.cancelled.cancelled() => return Err(Halt::Cancelled),
            room = self.meter.hold(hold) => room?,
        };
        let pass = match self.admit(asked, (provider, model), &estimate).await? {
            Ok(pass) => pass,
            Err(other) => return Ok(other),
        };
        let answer = match self.job.border() {
            Ok(()) => self.begin(asked, self.call_of((provider, model), estimate.plain, hold)).await,
            Err(halt) => Err(halt),
        };
        let attempt = match answer {
            Ok(Begun::Started { attempt }) => attempt,
            other => {
                pass.done(Used { input: Some(0), output: Some(0), ..Used::default() }).await;
                return self.not_begun(asked, other?).await;
            }
        };
        if attempt > 1 {
            (self.job.say)(Live::Again { thread: asked.next.key.thread, step: asked.step, attempt });
        }
        let start = Instant::now();
        let prompts = self.agents.prompts;
        let span = traced::chat(&traced::Chat {
            run: &self.span,
            step: (asked.next.key, &asked.next.name),
            attempt,
            provider,
            model,
            request: &asked.talk.request,
            prompts,
        });
        let (result, late) = self.call(asked, attempt, provider, model).instrument(span.clone()).await;
        let bill = Bill::of(model, &result, hold);
        traced::chatted(&span, &result, bill.cost, prompts);
        drop(span);
        self.measure((provider, model), &result, bill, start.elapsed());
        let used = match &result {
            Ok(Answered { reply, told }) => gate::used_by_answer(reply.usage.as_ref(), *told),
            Err(error) => gate::used_by_failure(error),
        };
        let (_, once) =
            tokio::join!(timeout(LAST_WORD, pass.done(used)), self.end(asked, (model, bill), attempt, result));
        match once? {
            Once::Failed(_) if late => Err(self.meter.out_of_time()),
            Once::Said(said) => {
                if let Some(name) = &kept_as {
                    self.keep_answer(name, asked.talk, &said.reply).await;
                }
                Ok(Once::Said(said))
            }
            once => Ok(once),
        }
    }

    /// Waits for the provider's limits, for a while.
    async fn admit(
        &self,
        asked: &Asked<'_>,
        (provider, model): (&Provider, &Model),
        estimate: &Estimate,
    ) -> Result<Result<Pass, Once>, Halt> {
        let key = asked.next.key;
        let ask = Ask {
            lane: provider.lane(model),
            limits: model.limits,
            breaker: provider.breaker,
            holder: format!("{}/{}/{}", self.id, key.thread, key.seq),
            input: estimate.input,
            output: estimate.output,
            lease: provider.timeouts.total + PERMIT_MARGIN,
        };
        match self.agents.gate.enter(&ask, &self.job.cancelled).await? {
            Entry::Go(pass) => Ok(Ok(pass)),
            Entry::Cancelled => Err(Halt::Cancelled),
            Entry::Snooze(wait, why) => {
                let why = match why {
                    Why::Rate => "its rate is used up",
                    Why::Streams => "it has as many calls at once as it may",
                    Why::Asleep => "its provider asked for quiet",
                    Why::Breaker => "its provider fails",
                };
                Ok(Err(Once::Wait(wait, format!("{} has to wait: {why}", ask.lane))))
            }
            Entry::TooLarge { limit, allowed, needed } => {
                let lane = &ask.lane;
                let what = format!(
                    "a call of {lane} needs {needed} of its {limit}, which allow {allowed}; raise that or ask for less"
                );
                Ok(Err(Once::TooLarge(what)))
            }
        }
    }

    /// A call as the ledger has it.
    pub(super) fn call_of(&self, (provider, model): (&Provider, &Model), estimated_input: u64, hold: Hold) -> Call {
        let (means, job) = (&self.agents.means, &self.job);
        Call {
            provider: provider.name.clone(),
            model: model.name.clone(),
            price: model.price.as_ref().and_then(|price| to_raw_value(price).ok()),
            hold,
            estimated_input,
            limits: means.budgets.limits(job.lease.job(), job.session.as_deref(), &job.tenant),
            saved: None,
        }
    }

    /// Puts the beginning of a call on record.
    pub(super) async fn begin(&self, asked: &Asked<'_>, call: Call) -> Result<Begun, Halt> {
        let means = &self.agents.means;
        let begin = Begin {
            lease: self.job.lease.clone(),
            run: self.id,
            key: asked.next.key,
            kind: asked.next.kind,
            name: asked.next.name.clone(),
            input_hash: asked.next.hash,
            request: Some(asked.new.clone()),
            call: Some(call),
            again: false,
        };
        only(self.job.patiently(SHORT, || means.journal.begin(vec![begin.clone()])).await?)
    }

    /// The call must not be made.
    pub(super) async fn not_begun(&self, asked: &Asked<'_>, begun: Begun) -> Result<Once, Halt> {
        match begun {
            Begun::Done(step) => record::read(&step).map(Once::Said),
            Begun::Changed { recorded } => Err(self.diverged(asked.next, &recorded).await),
            Begun::Refused(refused) => Err(Halt::Pause(refused)),
            Begun::LeaseLost => Err(Halt::LeaseLost),
            Begun::Started { .. } | Begun::Unknown => {
                Err(Halt::fail("journal", "the journal gave an answer that a model's step cannot have"))
            }
        }
    }

    /// Makes the call; also answers whether it was ended since the run's time is up.
    async fn call(
        &self,
        asked: &Asked<'_>,
        attempt: u32,
        provider: &Provider,
        model: &Model,
    ) -> (Result<Answered, ModelError>, bool) {
        let (thread, step) = (asked.next.key.thread, asked.step);
        let mut request = asked.talk.request.clone();
        request.max_output = request.max_output.min(model.max_output);
        let say = self.job.say.clone();
        let mut hear = move |event| {
            if let Event::Text(text) = event {
                say(Live::Text { thread, step, attempt, text });
            }
        };
        let end = self.job.cancelled.child_token();
        let time_left = self.meter.time_left().unwrap_or_default();
        let call = self.agents.means.client.call(provider, model, &request, &end, &mut hear);
        tokio::pin!(call);
        tokio::select! {
            biased;
            result = &mut call => (result, false),
            () = sleep(time_left) => {
                end.cancel();
                (call.await, true)
            }
        }
    }

    /// Puts the end of a call on record.
    async fn end(
        &self,
        asked: &Asked<'_>,
        (model, bill): (&Model, Bill),
        attempt: u32,
        result: Result<Answered, ModelError>,
    ) -> Result<Once, Halt> {
        let Bill { usage, cost, held } = bill;
        let (outcome, request_id, said) = match result {
            Ok(Answered { reply, .. }) => {
                let id = reply.id.clone();
                let said = Said { by: model.name.clone(), reply };
                (StepOutcome::Done(record::write(&said)?), id, Ok(said))
            }
            Err(error) => {
                let failed =
                    StepOutcome::Failed { code: error.class.as_str().to_owned(), message: error.message.clone() };
                (failed, error.request_id.clone(), Err(error))
            }
        };
        self.meter.called(said.is_ok().then_some(&model.name), usage, cost, held);
        let end = EndStep {
            lease: self.job.lease.clone(),
            run: self.id,
            key: asked.next.key,
            attempt,
            outcome,
            usage,
            cost,
            request_id,
        };
        match (self.put(end).await?, said) {
            (Ended::LeaseLost, _) => Err(Halt::LeaseLost),
            (Ended::DoneBefore, _) => self.reread(asked.next).await.map(Once::Said),
            (Ended::Recorded, Ok(said)) => Ok(Once::Said(said)),
            (Ended::Recorded, Err(error)) => Ok(Once::Failed(error)),
        }
    }

    /// Tells the journal, for as long as it takes: what was paid must not be paid again for an outage of seconds.
    pub(super) async fn put(&self, end: EndStep) -> Result<Ended, Halt> {
        let journal = &self.agents.means.journal;
        match self.job.patiently(LONG, || journal.end(vec![end.clone()])).await {
            Err(Halt::Cancelled) => {
                // The tokens were used all the same; where this is not heard, the call counts as lost.
                let _ = timeout(LAST_WORD, journal.end(vec![end])).await;
                Err(Halt::Cancelled)
            }
            ended => only(ended?),
        }
    }

    fn measure(
        &self,
        (provider, model): (&Provider, &Model),
        result: &Result<Answered, ModelError>,
        bill: Bill,
        took: Duration,
    ) {
        let (outcome, first_token) = match result {
            Ok(Answered { reply, .. }) => ("ok", Some(reply.first_token)),
            Err(error) => (error.class.as_str(), None),
        };
        let (provider, model, usage, cost) = (&provider.name, &model.name, bill.usage.as_ref(), bill.cost);
        let metrics = &self.agents.means.metrics;
        metrics.call_ended(&CallEnded { provider, model, outcome, usage, cost, first_token, took });
    }
}

/// Most that the call may take.
fn hold(model: &Model, estimate: &Estimate) -> Hold {
    let Estimate { held, output, .. } = *estimate;
    let cost = model.price.as_ref().map_or(MicroUsd::ZERO, |price| price.most(held, output));
    Hold { cost, tokens: held + output }
}

/// What a call took, as far as that is known.
#[derive(Clone, Copy)]
struct Bill {
    held: Hold,
    /// As the provider says.
    usage: Option<Usage>,
    /// `None` where no price is known.
    cost: Option<MicroUsd>,
}

impl Bill {
    /// Where an answer began and the provider does not say what it took, it is as much as was held: a provider that never
    /// says must not escape a budget.
    fn of(model: &Model, result: &Result<Answered, ModelError>, held: Hold) -> Self {
        let (usage, has_begun, is_free) = match result {
            Ok(Answered { reply, .. }) => (reply.usage, true, false),
            Err(error) => (error.usage, error.begun, is_free(error)),
        };
        let priced = |price: &Price| match usage {
            Some(usage) => Some(price.cost(&usage)),
            None => has_begun.then_some(held.cost),
        };
        let cost = if is_free { Some(MicroUsd::ZERO) } else { model.price.as_ref().and_then(priced) };
        Self { held, usage, cost }
    }
}

/// Whether the provider refused the call before any work: then nothing is charged.
fn is_free(error: &ModelError) -> bool {
    error.usage.is_none() && !error.begun && error.status.is_some_and(|status| status >= 400)
}
