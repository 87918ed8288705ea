//! A model that says what a function says, and counts its calls; and limits that let everything through.

use async_trait::async_trait;
use flotilla_jobs::Usage;
use flotilla_workers::{
    admission::{Admission, Admitted, Ask, Lane, LaneState, Permit, Told, Used},
    agents::{
        Speak,
        model::{Answered, Class, Event, Message, Model, ModelError, Part, Provider, Reply, Request, Stop},
    },
    journal::Error,
};
use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};
use tokio_util::sync::CancellationToken;

/// What a model says to a request; the number is how many calls came before, over all worlds that share it.
pub type Script = dyn Fn(u64, &Model, &Request) -> Result<Reply, Box<ModelError>> + Send + Sync;

pub struct Scripted {
    script: Box<Script>,
    calls: AtomicU64,
    /// Texts of the requests, the models they were for.
    pub heard: Mutex<Vec<(String, Vec<Message>)>>,
}

impl Scripted {
    pub fn new(
        script: impl Fn(u64, &Model, &Request) -> Result<Reply, Box<ModelError>> + Send + Sync + 'static,
    ) -> Self {
        Self { script: Box::new(script), calls: AtomicU64::new(0), heard: Mutex::default() }
    }

    /// Calls that arrived.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Speak for Scripted {
    async fn call(
        &self,
        _: &Provider,
        model: &Model,
        request: &Request,
        _: &CancellationToken,
        hear: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Answered, ModelError> {
        let before = self.calls.fetch_add(1, Ordering::SeqCst);
        self.heard.lock().unwrap().push((model.name.clone(), request.messages.clone()));
        let reply = (self.script)(before, model, request).map_err(|error| *error)?;
        hear(Event::Text(reply.text()));
        Ok(Answered { reply, told: Told::default() })
    }
}

/// How many results of tools a request holds.
pub fn results(request: &Request) -> usize {
    request.messages.iter().filter(|message| matches!(message, Message::Tool { .. })).count()
}

pub fn says(text: &str) -> Reply {
    reply(vec![Part::Text { text: text.to_owned() }], Stop::End)
}

/// Calls of tools, each with its arguments.
pub fn calls(calls: &[(&str, &str)]) -> Reply {
    let part = |(at, (name, arguments)): (usize, &(&str, &str))| Part::ToolCall {
        id: format!("call-{at}"),
        name: (*name).to_owned(),
        arguments: (*arguments).to_owned(),
    };
    reply(calls.iter().enumerate().map(part).collect(), Stop::ToolCalls)
}

pub fn reply(parts: Vec<Part>, stop: Stop) -> Reply {
    let usage = Usage { input: 100, output: 10, ..Usage::default() };
    let first_token = std::time::Duration::ZERO;
    Reply { parts, stop, usage: Some(usage), model: None, id: Some("req-1".to_owned()), first_token }
}

pub fn fails(class: Class) -> Box<ModelError> {
    Box::new(ModelError::new("scripted", class, "as told"))
}

/// Lets everything through.
pub struct Open;

#[async_trait]
impl Admission for Open {
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        Ok(Admitted::Go(Permit {
            lane: ask.lane.clone(),
            id: 1,
            input: ask.input,
            output: ask.output,
            limits: ask.limits,
            breaker: ask.breaker,
        }))
    }

    async fn release(&self, _: Permit, _: Used) -> Result<(), Error> {
        Ok(())
    }

    async fn leave(&self, _: &Lane, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        Ok(Vec::new())
    }
}
