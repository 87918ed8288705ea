//! A model's step: from the record, or by calls of the models of the run's route until one of them answers.

mod cached;
mod once;

pub(super) use cached::Answers;
pub use cached::CacheLimits;
pub use once::Speak;

use super::{
    halt::Halt,
    model::{
        Class, Facts, Model, ModelError, Provider,
        retry::{self, Tries},
    },
    record::{self, Compacted, New, Said},
    run::{Next, Run},
    talk::Talk,
    thread::Place,
};
use crate::journal::StepKind;
use flotilla_jobs::Fault;
use once::Once;
use serde_json::{Value, json, value::RawValue};
use std::{sync::Arc, time::Duration};

/// A model's step that has to be made.
pub(super) struct Asked<'a> {
    pub next: &'a Next,
    /// Which one of its thread's it is, from 1.
    pub step: u32,
    /// What is new in its input, for the record.
    pub new: Box<RawValue>,
    pub talk: &'a Talk,
}

/// What came of the models of a route, as long as none answered.
#[derive(Default)]
struct Tried {
    /// The shortest wait, and what for.
    wait: Option<(Duration, String)>,
    failed: Option<ModelError>,
    too_large: Option<String>,
}

impl Run {
    /// What the model says next. `content` is what is new for it, `new` the same for the record.
    pub(super) async fn ask(
        &self,
        (place, side): (&mut Place, &mut Place),
        talk: &mut Talk,
        name: &str,
        (new, content): (&New, &Value),
    ) -> Result<Said, Halt> {
        let next = Next::new(place.take_one(), StepKind::Llm, format!("llm:{name}"), &place.head, content);
        place.head = next.hash;
        place.asked += 1;
        let step = place.asked;
        let mut compacted = Self::recall(side, talk, &next)?;
        if let Some(recorded) = place.recorded(next.key) {
            self.same(&next, &recorded).await?;
            return record::read(&recorded);
        }
        self.job.border()?;
        self.meter.allow_step()?;
        loop {
            let asked = Asked { next: &next, step, new: record::write(new)?, talk };
            if let Some(said) = self.try_route(&asked, compacted).await? {
                return Ok(said);
            }
            self.compact(side, talk, &next).await?;
            compacted = true;
        }
    }

    /// Tries the models of the route in order. `None` where the context must be made smaller first.
    async fn try_route(&self, asked: &Asked<'_>, compacted: bool) -> Result<Option<Said>, Halt> {
        let mut outcome = Tried::default();
        for model in self.order(asked, compacted) {
            let Some(model) = model else { return Ok(None) };
            let mut tries = Tries { again: 0, compacted };
            loop {
                let error = match Box::pin(self.once(asked, &model)).await? {
                    Once::Said(said) => return Ok(Some(said)),
                    Once::Wait(wait, why) => {
                        outcome.wait(wait, why);
                        break;
                    }
                    Once::TooLarge(what) => {
                        outcome.too_large = Some(what);
                        break;
                    }
                    Once::Failed(error) => error,
                };
                match retry::next(&error, tries, rand::random()) {
                    retry::Next::Again(wait) => {
                        tries.again += 1;
                        self.retried(&model, &error);
                        tracing::debug!(
                            model,
                            class = error.class.as_str(),
                            wait_ms = wait.as_millis() as u64,
                            "a model is called again"
                        );
                        self.job.rest(wait).await?;
                    }
                    retry::Next::Sleep { lane } => {
                        outcome.wait(lane, error.to_string());
                        break;
                    }
                    retry::Next::OtherModel => {
                        outcome.failed = Some(error);
                        break;
                    }
                    retry::Next::Compact => return Ok(None),
                    retry::Next::Stop { fault } => return Err(ended(fault, &error)),
                }
            }
        }
        Err(outcome.halt())
    }

    fn retried(&self, model: &str, error: &ModelError) {
        if let Some((provider, _)) = self.agents.means.catalog.model(model) {
            self.agents.means.metrics.retried(&provider.name, error.class.as_str());
        }
    }

    /// Models to try: those of the route whose rules hold, of which the run began with, and that the prompt fits. A
    /// `None` among them asks for a smaller context.
    fn order(&self, asked: &Asked<'_>, compacted: bool) -> Vec<Option<String>> {
        let catalog = &self.agents.means.catalog;
        let own = asked.talk.route.as_deref();
        let route = self.agents.route(&self.plan.definition, own, self.plan.route.as_deref());
        let first = self.plan.models.iter().find_map(|name| catalog.model(name));
        let input_tokens = first.map_or(0, |(provider, model)| self.estimate(asked.talk, (provider, model)).input);
        let facts = Facts { input_tokens, budget_left: self.meter.left(), ..Facts::default() };
        let chosen = route.iter().flat_map(|route| route.order(&facts)).map(str::to_owned);
        let mut chosen: Vec<String> = chosen.filter(|model| self.plan.models.contains(model)).collect();
        if chosen.is_empty() {
            chosen.clone_from(&self.plan.models);
        }
        let known: Vec<_> = chosen.iter().filter_map(|name| catalog.model(name)).collect();
        let fits = |(provider, model): &(&Arc<Provider>, &Arc<Model>)| {
            let estimate = self.estimate(asked.talk, (provider, model));
            estimate.input + estimate.output <= model.context
        };
        let name = |(_, model): &(&Arc<Provider>, &Arc<Model>)| Some(model.name.clone());
        let fitting: Vec<_> = known.iter().filter(|one| fits(one)).map(name).collect();
        match (fitting.is_empty(), compacted) {
            (false, _) => fitting,
            (true, false) if !asked.talk.too_much().is_empty() => vec![None],
            // The estimate may be wrong: the provider has the last word.
            (true, _) => known.iter().map(name).collect(),
        }
    }

    /// Makes the context smaller, on record: whoever goes on sends the same.
    async fn compact(&self, side: &mut Place, talk: &mut Talk, step: &Next) -> Result<(), Halt> {
        let compacted = Compacted { at: step.key.seq, messages: talk.too_much() };
        if compacted.messages.is_empty() {
            let what =
                "the conversation is larger than the context of every model of the route, and nothing can be dropped";
            return Err(Halt::fail("too_long", what));
        }
        let input = json!({"at": compacted.at});
        let next = Next::new(side.take_one(), StepKind::Decision, "decision:compact".to_owned(), &side.head, &input);
        side.head = next.hash;
        let compacted = match self.note(&next, &input, &compacted).await? {
            None => compacted,
            Some(earlier) => record::read(&earlier)?,
        };
        talk.empty(&compacted.messages);
        Ok(())
    }

    /// Makes the context smaller as it was decided before this step; answers whether it was.
    fn recall(side: &mut Place, talk: &mut Talk, step: &Next) -> Result<bool, Halt> {
        let Some(recorded) = side.peek() else { return Ok(false) };
        let compacted: Compacted = record::read(recorded)?;
        if compacted.at != step.key.seq {
            return Ok(false);
        }
        let key = side.take_one();
        if let Some(step) = side.recorded(key) {
            side.head = step.input_hash;
        }
        talk.empty(&compacted.messages);
        Ok(true)
    }
}

impl Tried {
    fn wait(&mut self, wait: Duration, why: String) {
        if self.wait.as_ref().is_none_or(|(least, _)| wait < *least) {
            self.wait = Some((wait, why));
        }
    }

    /// No model answered.
    fn halt(self) -> Halt {
        if let Some((after, why)) = self.wait {
            return Halt::Snooze { after, why };
        }
        match (self.failed, self.too_large) {
            (Some(error), _) => ended(retry::fault(error.class), &error),
            (None, Some(what)) => Halt::fail("too_large", what),
            (None, None) => Halt::fail("no_model", "none of the models that the run began with is configured any more"),
        }
    }
}

/// What a failure that no other call mends means for the job.
fn ended(fault: retry::Fault, error: &ModelError) -> Halt {
    let code = format!("model_{}", error.class.as_str());
    let fault_of = |what: &str| Fault::new(&code, format!("{error}{what}"));
    match (fault, error.class) {
        (retry::Fault::Cancelled, _) => Halt::Cancelled,
        (retry::Fault::Passing, _) => Halt::Retry(fault_of(""), None),
        (retry::Fault::NeedsPeople, Class::Exhausted) => Halt::Fail(fault_of("; add credit there, then retry the job")),
        (retry::Fault::NeedsPeople, _) => Halt::Fail(fault_of("; check the provider's key, then retry the job")),
        (retry::Fault::Wrong, _) => Halt::Fail(fault_of("")),
    }
}
