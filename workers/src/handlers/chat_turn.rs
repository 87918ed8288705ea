//! `chat-turn`: one turn of a session, answered by the agent `chat`.
//!
//! What the answer is made of is on record step by step, and a run that takes a turn over goes on after the last of them.
//! What models say is told in the job's live output as they say it, and what the turn leaves in its session goes on
//! record with its result: also where that says cancelled or failed, then marked as partial.

mod branch;
mod kept;
mod left;
mod summary;
mod told;
mod turn;

use super::aloud::Choir;
use crate::{
    agents::{Agents, Answer, Halt, JobRef, Run, Said, Toolbox, model::Stop},
    context::Context,
    engine_side::EngineSide,
    registry::Handler,
    safety::Gate,
    sessions::{Began, Sessions as _, Turn as Whose},
};
use async_trait::async_trait;
use flotilla_jobs::{
    Fault, Invalid, JobId, JobState, Outcome,
    kinds::{ChatReply, ChatTurn},
};
use kept::Keeper;
use serde_json::json;
use std::{fmt, sync::Arc, time::Duration};
use turn::Turn;

/// The agent, and the part of it that answers.
const AGENT: &str = "chat";
const PART: &str = "chat";
/// The thread of what is decided before the first step, and that of the answer. Summaries have those between them.
const DECISIONS: u32 = 0;
const ANSWER: u32 = 1_000;
/// After this it is looked again whether another job has ended its turn: one of another queue, or one that is paused.
const LOOK: Duration = Duration::from_secs(1);
/// While that job is paused, which may be for days, it is looked less and less often, but after this again.
const SELDOM: Duration = Duration::from_secs(15);
/// After this a store that did not answer is asked again.
const AWAY: Duration = Duration::from_secs(2);

/// Answers in chats. Cheap to clone.
#[derive(Clone)]
pub struct Chatter {
    agents: Option<Agents>,
    store: Option<EngineSide>,
    tools: Toolbox,
    choir: Choir,
}

impl fmt::Debug for Chatter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chatter").field("tools", &self.tools).finish_non_exhaustive()
    }
}

impl Chatter {
    /// One that has its sessions in this store. Without agents or store it only checks what is handed in.
    pub fn new(agents: Option<Agents>, store: Option<EngineSide>) -> Self {
        Self { agents, store, tools: Toolbox::default().partial(), choir: Choir::default() }
    }

    /// The same with tools, of which the agent gets those that its file names.
    #[must_use]
    pub fn with_tools(mut self, tools: Toolbox) -> Self {
        self.tools = tools.partial();
        self
    }

    /// Has the turn of a job whose message has its place.
    async fn take(
        &self,
        agents: &Agents,
        store: &EngineSide,
        job: ChatTurn,
        began: Began,
        cx: &Context,
    ) -> Outcome<ChatReply> {
        let turn = Arc::new(Turn::new(
            cx.clone(),
            store.clone(),
            &began,
            self.choir.join().muted(!job.stream),
            agents.guards().clone(),
        ));
        let ears = Arc::clone(&turn);
        let reference = JobRef {
            lease: cx.lease.clone(),
            tenant: cx.tenant().to_owned(),
            session: Some(began.session.id.to_string()),
            cancelled: cx.cancelled().clone(),
            stopping: cx.stopping().clone(),
            say: Arc::new(move |said: Said| ears.hears(&said)),
        };
        let answer = Box::pin(self.answer(agents, reference, &job, &began, &turn));
        let answered = turn.aloud.during(cx, &|| turn.keep(), answer).await;
        match answered {
            Ok(reply) => {
                turn.leave();
                Outcome::Done(reply)
            }
            Err(halt) => {
                turn.keep();
                halt.outcome()
            }
        }
    }

    async fn answer(
        &self,
        agents: &Agents,
        reference: JobRef,
        job: &ChatTurn,
        began: &Began,
        turn: &Turn,
    ) -> Result<ChatReply, Halt> {
        let route = job.model.as_deref();
        let notes = route.filter(|name| agents.catalog().route(name).is_none()).map(not_configured);
        let run = agents.open_on(reference, AGENT, route, &()).await?;
        let answered = self.speak(&run, began, turn).await;
        run.ended(answered.as_ref().err());
        let Answer { text, model, stop, .. } = answered?;
        let spent = run.spent();
        Ok(ChatReply {
            // As it went out, step by step; counted there.
            text: Gate::pass(agents.guards().of(AGENT).settings(), &text).0,
            model,
            session: began.session.id.to_string(),
            messages: turn.answered(),
            joined: None,
            cut: stop == Stop::Length,
            steps: run.steps(),
            usage: spent.usage,
            cost: spent.cost,
            notes: notes.into_iter().collect(),
        })
    }

    async fn speak(&self, run: &Run, began: &Began, turn: &Turn) -> Result<Answer, Halt> {
        // What was said of it before, if anything: readers have that.
        if run.is_resumed() || turn.cx.attempts().number() > 1 {
            turn.recall().await?;
            // Whoever said it may have been the first to die of this job, and this one may die before it says a word.
            turn.keep();
        }
        // What is configured, on a directory of the run's own, which is gone with these.
        let tools = run.toolbox().await?.and(self.tools.clone());
        let vars = json!({ "tools": !tools.is_empty() });
        let keeper = self.agents.as_ref().and_then(|agents| Keeper::new(agents, &began.session));
        let before = told::before(run, began, turn, (&vars, &tools), keeper.as_ref()).await?;
        run.go_on(ANSWER, PART, &vars, before, &tools, turn).await
    }
}

#[async_trait]
impl Handler<ChatTurn> for Chatter {
    async fn run(&self, job: ChatTurn, cx: &Context) -> anyhow::Result<Outcome<ChatReply>> {
        let (Some(agents), Some(store)) = (&self.agents, &self.store) else {
            return Ok(fail("no_agents", "this process has no agents; run the job with `flotilla work`"));
        };
        if !agents.has_models() {
            let what =
                "no model is configured; add a provider, a model and a route `chat` or `default` to the configuration";
            return Ok(fail("no_model", what));
        }
        Ok(match store.begin_turn(&cx.lease).await {
            Ok(Whose::Began(began)) => Box::pin(self.take(agents, store, job, *began, cx)).await,
            Ok(Whose::Joined(other)) => {
                Outcome::Done(ChatReply { session: job.session, joined: Some(other), ..ChatReply::default() })
            }
            Ok(Whose::Wait(other)) => Outcome::Snooze(look_after(store, other, cx.attempts().throttle).await),
            Ok(Whose::Gone) => {
                let what = "the job has no message in a session, or its session was deleted; say it with POST /v1/chat";
                fail("no_session", what)
            }
            // Whoever has it now goes on.
            Ok(Whose::LeaseLost) => Outcome::Snooze(Duration::ZERO),
            Err(error) if error.is_transient() => Outcome::Snooze(AWAY),
            Err(error) => return Err(error.into()),
        })
    }

    fn check(&self, job: &ChatTurn) -> Result<(), Invalid> {
        let (Some(agents), Some(name)) = (self.agents.as_ref().filter(|agents| agents.has_models()), &job.model) else {
            return Ok(());
        };
        match agents.catalog().route(name) {
            Some(_) => Ok(()),
            None => Err(Invalid::new(
                "model",
                format!("is no route or model of the configuration; use one of: {}", known(agents)),
            )),
        }
    }
}

/// When to look again whether this job has ended its turn, having looked so often.
async fn look_after(store: &EngineSide, other: JobId, looks: u32) -> Duration {
    match store.state(other).await {
        Ok(Some(JobState::Paused)) => backed_off(looks),
        _ => LOOK,
    }
}

fn backed_off(looks: u32) -> Duration {
    (LOOK * (1 << looks.min(4))).min(SELDOM)
}

fn fail<T>(code: &str, what: &str) -> Outcome<T> {
    Outcome::Fail(Fault::new(code, what))
}

fn not_configured(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    format!("`{name}` is no route or model of the configuration; the agent's own was taken")
}

/// Names of routes and models.
fn known(agents: &Agents) -> String {
    let catalog = agents.catalog();
    let mut names: Vec<&str> = catalog.routes().map(|route| route.name.as_str()).collect();
    names.extend(catalog.models().map(|model| model.name.as_str()));
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_paused_is_looked_at_less_and_less_often() {
        let waits: Vec<u64> = [0, 1, 2, 3, 4, 5, u32::MAX].map(|looks| backed_off(looks).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 8, 15, 15, 15]);
    }
}
