//! A turn that is being had: what is heard in it, said in it, and left of it.

use super::left;
use crate::{
    agents::{
        Company, Halt, Said,
        model::{Message, text_of},
    },
    context::Context,
    engine_side::EngineSide,
    handlers::aloud::Aloud,
    safety::{Gate, Guards},
    sessions::{Began, NewEntry, SessionEntry, SessionId, Sessions as _},
};
use async_trait::async_trait;
use serde::Deserialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Events of live output that are read at once.
const PAGE: u32 = 1_000;

/// A turn.
pub(super) struct Turn {
    pub cx: Context,
    pub store: EngineSide,
    pub session: SessionId,
    pub aloud: Aloud,
    kept: Mutex<Kept>,
    guards: Guards,
    /// What lets the step that is being said through: which step, which call of it.
    gate: Mutex<Option<(u32, u32, Gate)>>,
}

/// What is on record of the turn so far.
#[derive(Default)]
struct Kept {
    /// Messages that it answers.
    answered: Vec<u64>,
    summary: Option<NewEntry>,
    entries: Vec<NewEntry>,
}

impl Turn {
    pub fn new(cx: Context, store: EngineSide, began: &Began, aloud: Aloud, guards: Guards) -> Self {
        let answered = began.messages.iter().map(|entry| entry.id).collect();
        let kept = Mutex::new(Kept { answered, ..Kept::default() });
        Self { cx, store, session: began.session.id, aloud, kept, guards, gate: Mutex::default() }
    }

    /// Hears the run: of summaries nobody reads along.
    pub fn hears(&self, said: &Said) {
        match said {
            Said::Text { thread, .. } | Said::Again { thread, .. } if *thread != super::ANSWER => {}
            Said::Text { thread, step, attempt, text } => {
                let text = self.let_through(*step, *attempt, text);
                self.aloud.hear(&Said::Text { thread: *thread, step: *step, attempt: *attempt, text });
            }
            said => self.aloud.hear(said),
        }
    }

    /// What may be told already of what a model says.
    fn let_through(&self, step: u32, attempt: u32, text: &str) -> String {
        let mut slot = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = slot.as_ref().is_none_or(|(at, call, _)| (*at, *call) != (step, attempt));
        if is_new {
            *slot = Some((step, attempt, Gate::new(self.guards.of(super::AGENT).settings())));
        }
        slot.as_mut().map(|(_, _, gate)| gate.push(text)).unwrap_or_default()
    }

    /// What a model said, as it may go on record.
    pub fn fit(&self, text: &str) -> String {
        self.guards.pass(super::AGENT, text)
    }

    /// Learns what earlier runs said.
    pub async fn recall(&self) -> Result<(), Halt> {
        let mut after = 0;
        loop {
            let page = self.store.said(self.cx.id(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            self.aloud.recall(page.into_iter().map(|event| event.event));
        }
    }

    /// The summary that was made for this turn, for those after it.
    pub fn summarized(&self, summary: NewEntry) {
        self.kept().summary = Some(summary);
    }

    /// The messages that it answers.
    pub fn answered(&self) -> Vec<u64> {
        self.kept().answered.clone()
    }

    /// Says what the turn leaves if it ends as it is now: what it has, and what was heard of the answer, marked as
    /// partial.
    pub fn keep(&self) {
        let unfinished = self.aloud.unfinished();
        let partial = (!unfinished.is_empty()).then(|| left::partial(&unfinished));
        self.leave_with(partial);
    }

    /// Says what the turn leaves: all of it.
    pub fn leave(&self) {
        self.leave_with(None);
    }

    fn leave_with(&self, partial: Option<NewEntry>) {
        let kept = self.kept();
        let entries: Vec<NewEntry> = kept.entries.iter().cloned().chain(partial).collect();
        if entries.is_empty() && kept.summary.is_none() {
            return;
        }
        let left = left::within_limits(self.session, kept.summary.as_ref(), entries);
        drop(kept);
        if let Err(error) = self.cx.leave(left) {
            tracing::warn!(job.id = %self.cx.id(), %error, "what a turn leaves cannot be put on record");
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Company for Turn {
    async fn hear(&self, after: u64) -> Result<Vec<(u64, String)>, Halt> {
        let heard = self.store.hear(&self.cx.lease, after).await?.ok_or(Halt::LeaseLost)?;
        let mut kept = self.kept();
        for entry in &heard {
            if !kept.answered.contains(&entry.id) {
                kept.answered.push(entry.id);
            }
        }
        drop(kept);
        heard.iter().map(|entry| Ok((entry.id, words(entry)?))).collect()
    }

    fn noted(&self, step: u32, by: Option<&str>, message: &Message) {
        let entry = match message {
            Message::Assistant { parts } => {
                let text = self.fit(&text_of(parts));
                self.aloud.noted(step, &text);
                left::entry(by, &Message::Assistant { parts: left::with_text(parts, text) })
            }
            message => left::entry(by, message),
        };
        self.kept().entries.extend(entry);
    }
}

/// What a message of a user says.
pub(super) fn words(entry: &SessionEntry) -> Result<String, Halt> {
    #[derive(Deserialize)]
    struct Content {
        #[serde(default)]
        text: String,
    }
    let content: Result<Content, _> = serde_json::from_str(entry.content.get());
    let number = entry.id;
    content
        .map(|content| content.text)
        .map_err(|_| Halt::fail("bad_entry", format!("entry {number} of the session has no `text` that can be read")))
}
