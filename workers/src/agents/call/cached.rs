//! Answers that were given before to the very same request: found again instead of paid again, for agents whose files
//! ask for it.
//!
//! Nothing here may fail a call: a cache that does not answer holds nothing. A hit is a step like any other, on record with
//! a row in the ledger that costs nothing, so that who goes on after a crash reads it there and asks no cache.

use super::{Asked, once::Once};
use crate::{
    agents::{
        answer::Form,
        chain::canonical,
        halt::Halt,
        host::Said as Live,
        model::{Model, Part, Provider, Reply, Stop},
        record::{self, Said},
        run::Run,
        talk::Talk,
    },
    cache::{Bounds, Cache, CacheName, Group, Keep, Sort},
    journal::{Begun, EndStep, Ended, StepOutcome},
    ledger::Hold,
};
use flotilla_jobs::MicroUsd;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Of what names an answer: another one finds nothing of what versions before it kept.
const VERSION: u32 = 1;
/// A cache that takes longer holds nothing: the model is asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where answers are found again.
#[derive(Clone)]
pub(in crate::agents) struct Answers {
    pub cache: Arc<dyn Cache>,
    pub limits: CacheLimits,
}

/// How much is kept to be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// In all.
    pub most: Bounds,
    /// Most bytes of one answer, as it is kept.
    pub entry_bytes: usize,
}

impl Run {
    /// What an answer of this model would be kept under; `None` where answers of this agent are not kept.
    pub(super) fn kept_as(&self, asked: &Asked<'_>, provider: &Provider, model: &Model) -> Option<CacheName> {
        self.plan.definition.cache?;
        self.agents.answers.as_ref()?;
        let (tenant, agent) = (self.job.tenant.as_str(), self.plan.definition.name.as_str());
        let request = &asked.talk.request;
        let headers: Vec<_> = provider.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        // All that shapes an answer. The journal's hash is no use here: it is of a step, and knows no model.
        let all = json!({
            "version": VERSION,
            "tenant": tenant,
            "agent": agent,
            "provider": [provider.name, provider.base_url.as_str()],
            "wire": provider.wire,
            "headers": headers,
            "model": model.id,
            "system": &*request.system,
            "messages": request.messages,
            "tools": &*request.tools,
            "max_output": request.max_output.min(model.max_output),
            "temperature": request.temperature.or(model.temperature),
            "answer": request.answer.as_deref(),
        });
        let key = Sha256::digest(canonical(&all)).into();
        Some(CacheName { sort: Sort::Answers, group: group(tenant, agent), key })
    }

    /// The answer that is kept.
    pub(super) async fn kept_answer(&self, name: &CacheName) -> Option<Reply> {
        let Answers { cache, .. } = self.agents.answers.as_ref()?;
        let found = match timeout(PATIENCE, cache.cached(name)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the cache does not answer; the model is asked");
                self.count("store_error");
                return None;
            }
            Err(_) => {
                self.count("store_error");
                return None;
            }
        };
        // What cannot be read was not written by this version: it is as good as gone.
        let reply = found.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        self.count(if reply.is_some() { "hit" } else { "miss" });
        reply
    }

    /// Gives an answer that was kept: on record, free, and told to whoever reads along.
    pub(super) async fn give_again(
        &self,
        asked: &Asked<'_>,
        (provider, model): (&Provider, &Model),
        reply: Reply,
    ) -> Result<Once, Halt> {
        let price = model.price.as_ref();
        let saved = price.zip(reply.usage.as_ref()).map_or(MicroUsd::ZERO, |(price, usage)| price.cost(usage));
        let mut call = self.call_of((provider, model), 0, Hold::default());
        (call.saved, call.limits) = (Some(saved), Vec::new());
        let attempt = match self.begin(asked, call).await? {
            Begun::Started { attempt } => attempt,
            other => return self.not_begun(asked, other).await,
        };
        let (thread, step) = (asked.next.key.thread, asked.step);
        if attempt > 1 {
            (self.job.say)(Live::Again { thread, step, attempt });
        }
        let text = reply.text();
        if !text.is_empty() {
            (self.job.say)(Live::Text { thread, step, attempt, text });
        }
        let reply = Reply { usage: None, id: None, first_token: Duration::ZERO, ..reply };
        let said = Said { by: model.name.clone(), reply };
        let end = EndStep {
            lease: self.job.lease.clone(),
            run: self.id,
            key: asked.next.key,
            attempt,
            outcome: StepOutcome::Done(record::write(&said)?),
            usage: None,
            cost: Some(MicroUsd::ZERO),
            request_id: None,
        };
        self.meter.found(&model.name);
        self.agents.means.metrics.cache_saved(&self.plan.definition.name, saved);
        match self.put(end).await? {
            Ended::Recorded => Ok(Once::Said(said)),
            Ended::DoneBefore => self.reread(asked.next).await.map(Once::Said),
            Ended::LeaseLost => Err(Halt::LeaseLost),
        }
    }

    /// Keeps an answer, if it may be given again.
    pub(super) async fn keep_answer(&self, name: &CacheName, talk: &Talk, reply: &Reply) {
        let (Some(Answers { cache, limits }), Some(kept)) = (&self.agents.answers, self.plan.definition.cache) else {
            return;
        };
        if !may_be_repeated(talk, reply) {
            return;
        }
        let Ok(value) = serde_json::to_vec(reply) else { return };
        if value.len() > limits.entry_bytes {
            return self.count("too_large");
        }
        let lasts = Duration::from_hours(kept.hours.into());
        let keep = Keep { name: *name, value, lasts, most: limits.most };
        if !matches!(timeout(PATIENCE, cache.keep(keep)).await, Ok(Ok(_))) {
            self.count("store_error");
        }
    }

    fn count(&self, result: &'static str) {
        self.agents.means.metrics.cache(&self.plan.definition.name, result);
    }
}

/// Answers of one agent for one tenant.
fn group(tenant: &str, agent: &str) -> Group {
    Group::of(&[tenant, agent])
}

/// Whether an answer is whole, of use, and calls nothing that acts.
fn may_be_repeated(talk: &Talk, reply: &Reply) -> bool {
    if !matches!(reply.stop, Stop::End | Stop::ToolCalls) {
        return false;
    }
    let mut calls = 0;
    for part in &reply.parts {
        let Part::ToolCall { name, arguments, .. } = part else { continue };
        calls += 1;
        let is_whole = arguments.trim().is_empty() || matches!(serde_json::from_str(arguments), Ok(Value::Object(_)));
        if !is_whole || !talk.reads.contains(name) {
            return false;
        }
    }
    calls > 0 || Form::new(talk.request.answer.as_deref()).is_ok_and(|form| form.read(&reply.text()).is_ok())
}
