//! Lines that a person types, with editing and a history. A thread of its own reads them, only when it is asked to: while an
//! answer comes the terminal is not its.

use crate::exit::Failure;
use rustyline::{Behavior, Config, Editor, error::ReadlineError, history::FileHistory};
use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What is asked for with.
const PROMPT: &str = "> ";
/// Most lines kept in the history.
const HISTORY: usize = 1_000;

/// What a person did.
pub enum Typed {
    Line(String),
    /// Ctrl-C, Ctrl-D, or no terminal any more.
    Leave,
}

pub struct Prompt {
    ask: mpsc::Sender<()>,
    typed: Receiver<Typed>,
    thread: thread::JoinHandle<()>,
}

impl Prompt {
    /// Lines of the history go to this file, which only its user can read.
    pub fn start(history: Option<PathBuf>) -> Result<Self, Failure> {
        let cannot = |what: &str, e: &dyn std::fmt::Display| Failure::unavailable(format!("cannot {what}: {e}"));
        let config = Config::builder()
            .max_history_size(HISTORY)
            .map_err(|e| cannot("keep a history", &e))?
            .history_ignore_space(true)
            .auto_add_history(true)
            .behavior(Behavior::PreferTerm)
            .build();
        let editor = Editor::<(), FileHistory>::with_config(config).map_err(|e| cannot("read lines here", &e))?;
        let (ask, asked) = mpsc::channel();
        let (tell, typed) = channel(1);
        let thread = thread::Builder::new()
            .name("prompt".to_owned())
            .spawn(move || read(editor, history.as_deref(), &asked, &tell))
            .map_err(|e| cannot("start a thread", &e))?;
        Ok(Self { ask, typed, thread })
    }

    /// The next line.
    pub async fn next(&mut self) -> Result<Typed, Failure> {
        let gone = || Failure::unavailable("lines can no longer be read here");
        self.ask.send(()).map_err(|_| gone())?;
        self.typed.recv().await.ok_or_else(gone)
    }

    /// Ends the thread, which keeps the history.
    pub fn end(self) {
        drop(self.ask);
        // It waits to be asked, and never will be.
        let _ = self.thread.join();
    }
}

fn read(mut editor: Editor<(), FileHistory>, history: Option<&Path>, asked: &mpsc::Receiver<()>, tell: &Sender<Typed>) {
    if let Some(path) = history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    while asked.recv().is_ok() {
        let typed = match editor.readline(PROMPT) {
            Ok(line) => Typed::Line(line),
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => Typed::Leave,
            Err(error) => {
                tracing::warn!(%error, "lines can no longer be read");
                Typed::Leave
            }
        };
        if tell.blocking_send(typed).is_err() {
            break;
        }
    }
    if let Some(path) = history
        && let Err(error) = editor.save_history(path)
    {
        tracing::warn!(%error, path = %path.display(), "the history is not kept");
    }
}
