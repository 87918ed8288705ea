//! Shows an answer as it comes: on a terminal word by word, otherwise whole, at its end.

use super::super::output::{self, DIM, RESET};
use crate::{exit::Failure, shown};
use flotilla_jobs::{
    JobEvent, JobState, StateChange,
    api::{ChatAnswer, ChatEvent, ChatNews},
};
use std::io::IsTerminal;

/// What a reason begins with where a person has to say yes.
const APPROVAL: &str = "approval:";

pub struct View {
    json: bool,
    /// Somebody watches it come.
    live: bool,
    step: u32,
    /// What is shown of the step that is being said.
    text: String,
    /// The line on stdout is not ended.
    open: bool,
}

impl View {
    pub fn new(json: bool) -> Self {
        Self { json, live: !json && std::io::stdout().is_terminal(), step: 0, text: String::new(), open: false }
    }

    pub fn show(&mut self, event: &ChatEvent) -> Result<(), Failure> {
        if self.json {
            return output::json_line(event);
        }
        match event {
            ChatEvent::Job(news) => self.news(news),
            ChatEvent::Chat(ChatNews::Posted(_)) => Ok(()),
            ChatEvent::Chat(ChatNews::Joined(_)) => self.note("answered together with other messages"),
            ChatEvent::Chat(ChatNews::Answer(answer)) => self.answer(answer),
            ChatEvent::Chat(ChatNews::Error(answer)) => self.failed(answer),
        }
    }

    /// Something for the person.
    pub fn note(&mut self, text: &str) -> Result<(), Failure> {
        self.end()?;
        if !self.json {
            output::note(&format!("{DIM}{}{RESET}", shown::lines(text)));
        }
        Ok(())
    }

    /// Ends the line.
    pub fn end(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.open) { output::raw("\n") } else { Ok(()) }
    }

    fn news(&mut self, news: &JobEvent) -> Result<(), Failure> {
        match news {
            JobEvent::Text { step, text, .. } => {
                if *step != self.step {
                    self.end()?;
                    (self.step, self.text) = (*step, String::new());
                }
                self.text.push_str(text);
                self.say(text)
            }
            JobEvent::Reset { step, .. } => {
                (self.step, self.text) = (*step, String::new());
                if self.open { self.note("(that was cut off; the answer begins anew)") } else { Ok(()) }
            }
            JobEvent::Progress { progress, .. } => self.note(&progress.message),
            JobEvent::Output { text, .. } => self.note(text.trim_end()),
            JobEvent::Cut { .. } => self.note("(more was said than is streamed; the answer follows at its end)"),
            JobEvent::State(change) => self.state(change),
        }
    }

    fn state(&mut self, change: &StateChange) -> Result<(), Failure> {
        let Some(reason) = change.reason.as_deref().filter(|_| change.state == JobState::Paused) else { return Ok(()) };
        let how = if reason.starts_with(APPROVAL) { "; see `flotilla approvals`" } else { "" };
        self.note(&format!("waits: {reason}{how}"))
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        if !self.live || text.is_empty() {
            return Ok(());
        }
        self.open = !text.ends_with('\n');
        output::said(text)
    }

    /// What of the answer is not shown yet: all of it, where what was shown is not its beginning.
    fn answer(&mut self, answer: &ChatAnswer) -> Result<(), Failure> {
        let whole = answer.reply.as_ref().map(|reply| reply.text.as_str()).unwrap_or_default();
        let shown = if self.live { self.text.as_str() } else { "" };
        let rest = if let Some(rest) = whole.strip_prefix(shown) {
            rest
        } else {
            self.end()?;
            whole
        };
        if !rest.is_empty() {
            output::said(rest)?;
            self.open = true;
        }
        self.open &= !whole.ends_with('\n');
        self.end()
    }

    fn failed(&mut self, answer: &ChatAnswer) -> Result<(), Failure> {
        let why = answer.error.as_ref().map(|error| error.message.clone()).or_else(|| answer.reason.clone());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        self.note(&format!("the message was not answered, its turn is {}{why}", answer.state))
    }
}
