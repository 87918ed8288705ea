//! `flotilla chat`: talks with an agent in the terminal, in this process or through a server.

mod line;
mod prompt;
mod view;

use super::{
    backend::Backend,
    embedded::{Embedded, QUEUE},
    output,
    remote::Remote,
    session::Session,
};
use crate::{
    actions::Action,
    exit::{Exit, Failure},
    shown,
};
use flotilla_jobs::{
    Busy, EntryKind, JobId, SessionEntry, SessionId,
    api::{ChatEvent, ChatNews, ChatRequest},
    kinds::ChatTurn,
};
use futures_util::StreamExt;
use line::Line;
use prompt::{Prompt, Typed};
use serde::Deserialize;
use std::io::{IsTerminal, Read};
use tokio::signal::unix::{Signal, SignalKind, signal};
use uuid::Uuid;
use view::View;

/// Entries of a session that is resumed which are shown.
const SHOWN: usize = 6;
/// Letters of each of them.
const SHOWN_LETTERS: usize = 600;
/// Before everything else that is said where no model is there to answer.
const NO_MODEL: &str = "\
nobody can answer: no model is configured. Beside its provider ([providers.NAME]) and its own section ([models.NAME]), flotilla.toml needs

  [routes.chat]
  models = [\"NAME\"]

or, to try it without a key: start `flotilla dev-model`, which prints all the lines that are needed";

/// With whom, and how.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  flotilla chat                          talk; Ctrl-D or /exit leaves
  flotilla chat --session ID             go on with a session, its last messages shown
  flotilla chat \"what is a lease?\"       one message, its answer on stdout
  git diff | flotilla chat               the same: what is piped in is one message
  flotilla chat --json < question.txt    its events, one JSON object a line

Ctrl-C cancels the answer under way; once more leaves. Runs in this process, on a SQLite file in the user's data directory, unless server.url (--server) names a server.

In the conversation: /new begins another session, /session shows this one's id, /help says this, /exit leaves.
Exit code 1 where the last message was not answered.")]
pub struct Args {
    /// One message; without it lines are read, or what is piped in
    message: Option<String>,
    /// Session to go on with
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Model or route that should answer
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What becomes of a message that comes while another one is answered: enqueue, reject, interrupt, steer or coalesce
    #[arg(long, value_name = "HOW", value_parser = busy)]
    busy: Option<Busy>,
    /// Whose session it is
    #[arg(long)]
    tenant: Option<String>,
    /// In this process, also where a server is configured
    #[arg(long)]
    local: bool,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let client = if args.local { None } else { session.client()? };
    // Before the terminal is taken: from here on Ctrl-C is about an answer.
    let interrupts =
        signal(SignalKind::interrupt()).map_err(|e| Failure::unavailable(format!("cannot listen for signals: {e}")))?;
    let talk = |line| Talk {
        line,
        session: args.session.unwrap_or_else(SessionId::new),
        resumed: args.session.is_some(),
        model: args.model.clone(),
        busy: args.busy,
        tenant: args.tenant.clone(),
        json: session.json,
        interrupts,
        last: Exit::Ok,
    };
    let history = session.loaded.data_dir.as_ref().map(|dir| dir.join("chat_history"));
    if let Some(client) = client {
        return talk(Line::Server(Remote::new(client))).run(args.message.clone(), history).await;
    }
    let catalog = &session.loaded.catalog;
    let routed = args.model.is_some() || catalog.route("chat").or_else(|| catalog.route("default")).is_some();
    if !routed || catalog.models().next().is_none() {
        return Err(Failure::usage(NO_MODEL));
    }
    let embedded = Embedded::start(session).await?;
    let line = Line::Here { direct: embedded.backend.clone(), queue: QUEUE };
    let exit = talk(line).run(args.message.clone(), history).await;
    embedded.end(matches!(exit, Ok(Exit::Interrupted))).await;
    exit
}

fn busy(text: &str) -> Result<Busy, String> {
    Busy::parse(text).ok_or_else(|| format!("use one of: {}", Busy::ALL.map(Busy::as_str).join(", ")))
}

/// A conversation.
struct Talk {
    line: Line,
    session: SessionId,
    resumed: bool,
    model: Option<String>,
    busy: Option<Busy>,
    tenant: Option<String>,
    json: bool,
    interrupts: Signal,
    /// How the last message went.
    last: Exit,
}

impl Talk {
    async fn run(mut self, message: Option<String>, history: Option<std::path::PathBuf>) -> Result<Exit, Failure> {
        let interactive = message.is_none() && std::io::stdin().is_terminal();
        if interactive {
            return self.converse(history).await;
        }
        let message = match message {
            Some(message) => message,
            None => piped()?,
        };
        self.say(&message).await?;
        Ok(self.last)
    }

    async fn converse(&mut self, history: Option<std::path::PathBuf>) -> Result<Exit, Failure> {
        if self.resumed {
            self.show_last().await?;
        }
        let mut prompt = Prompt::start(history)?;
        let left = loop {
            let Typed::Line(text) = prompt.next().await? else { break Ok(self.last) };
            match text.trim() {
                "" => {}
                "/exit" | "/quit" => break Ok(self.last),
                "/help" => output::note("/new begins another session, /session shows this one's id, /exit leaves"),
                "/session" => output::note(&self.session.to_string()),
                "/new" => {
                    self.session = SessionId::new();
                    output::note(&self.session.to_string());
                }
                command if command.starts_with('/') && !command.contains(char::is_whitespace) => {
                    output::note("no such command; /help says which there are");
                }
                _ => match self.say(&text).await {
                    Ok(()) if self.last == Exit::Interrupted => break Ok(Exit::Interrupted),
                    Ok(()) => {}
                    Err(failure) if failure.exit == Exit::Ok => break Err(failure),
                    // The next message may go better.
                    Err(failure) => {
                        self.last = failure.exit;
                        output::note(&shown::lines(&failure.message));
                    }
                },
            }
        };
        prompt.end();
        output::note(&format!("flotilla chat --session {} goes on with it", self.session));
        left
    }

    /// Says something, and shows the answer.
    async fn say(&mut self, text: &str) -> Result<(), Failure> {
        let message = ChatRequest {
            session: Some(self.session),
            message: text.to_owned(),
            client_id: Some(Uuid::now_v7().to_string()),
            tenant: self.tenant.clone(),
            model: self.model.clone(),
            busy: self.busy,
            ..ChatRequest::default()
        };
        if text.len() > ChatTurn::MAX_MESSAGE {
            let most = ChatTurn::MAX_MESSAGE;
            return Err(Failure::usage(format!("the message is {} bytes long; use at most {most}", text.len())));
        }
        let mut events = self.line.say(message);
        let mut view = View::new(self.json);
        let (mut job, mut asked) = (None, false);
        loop {
            let event = tokio::select! {
                biased;
                _ = self.interrupts.recv() => {
                    if asked || job.is_none() {
                        view.end()?;
                        self.last = Exit::Interrupted;
                        return Ok(());
                    }
                    asked = true;
                    view.note("cancelling the answer; once more to leave")?;
                    cancel(self.line.backend(), job).await?;
                    continue;
                }
                event = events.next() => event,
            };
            let Some(event) = event.transpose()? else { break };
            if let ChatEvent::Chat(ChatNews::Posted(at)) = &event {
                job = Some(at.job);
            }
            view.show(&event)?;
            if let ChatEvent::Chat(news) = &event {
                match news {
                    ChatNews::Answer(_) => self.last = Exit::Ok,
                    ChatNews::Error(_) => self.last = Exit::Findings,
                    ChatNews::Posted(_) | ChatNews::Joined(_) => {}
                }
            }
        }
        view.end()
    }

    async fn show_last(&self) -> Result<(), Failure> {
        let Some(entries) = self.line.last(self.session, SHOWN).await? else {
            output::note("nothing was said in this session yet");
            return Ok(());
        };
        for entry in entries.iter().rev().filter(|entry| entry.kind != EntryKind::System) {
            let who = match entry.kind {
                EntryKind::User => ">",
                EntryKind::Assistant => "<",
                EntryKind::Tool | EntryKind::Summary | EntryKind::System => entry.kind.as_str(),
            };
            let partial = if entry.partial { " (cut short)" } else { "" };
            let text = shown::lines(&clip(&said(entry)));
            output::note(&format!("{}{who} {text}{partial}{}", output::DIM, output::RESET));
        }
        Ok(())
    }
}

async fn cancel(backend: &dyn Backend, job: Option<JobId>) -> Result<(), Failure> {
    match job {
        Some(job) => backend.act(Action::Cancel, job).await.map(drop),
        None => Ok(()),
    }
}

/// The text of an entry, where it has one.
fn said(entry: &SessionEntry) -> String {
    #[derive(Deserialize)]
    struct Content {
        text: String,
    }
    serde_json::from_str::<Content>(entry.content.get()).map(|content| content.text).unwrap_or_default()
}

fn clip(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_LETTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn piped() -> Result<String, Failure> {
    let mut text = String::new();
    let most = ChatTurn::MAX_MESSAGE as u64 + 1;
    std::io::stdin()
        .take(most)
        .read_to_string(&mut text)
        .map_err(|e| Failure::usage(format!("cannot read stdin: {e}")))?;
    if text.trim().is_empty() {
        return Err(Failure::usage("there is no message: pipe one in, name one, or use a terminal"));
    }
    Ok(text)
}
