//! Shows what a job says while it runs: a bar on a terminal, lines otherwise.

use super::{
    backend::Backend,
    output::{self, DIM, RESET},
    spinner::spinner,
};
use crate::{exit::Failure, shown};
use flotilla_jobs::{JobEvent, JobId, Progress, StateChange};
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

/// How it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Output on stdout, the rest on stderr.
    Output,
    /// All on stderr: stdout is for what the job returns.
    Aside,
    /// Every event on stdout, one JSON object a line.
    Json,
}

/// Follows a job until it has ended, or until `stop`: then `None`.
pub async fn follow(
    backend: &dyn Backend,
    id: JobId,
    after: u64,
    show: Show,
    stop: &CancellationToken,
) -> Result<Option<StateChange>, Failure> {
    let mut news = backend.follow(id, after);
    let mut view = View::new(show);
    let mut last = None;
    loop {
        let event = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            event = news.next() => event,
        };
        let Some(event) = event else { break };
        let event = event?;
        view.show(&event)?;
        if let JobEvent::State(change) = event {
            last = Some(change);
        }
    }
    last.filter(|change| change.state.is_terminal()).map(Some).ok_or_else(|| Failure::no_job(id))
}

struct View {
    show: Show,
    bar: Option<ProgressBar>,
}

impl View {
    fn new(show: Show) -> Self {
        let bar = if show == Show::Json { None } else { spinner() };
        Self { show, bar }
    }

    fn show(&mut self, event: &JobEvent) -> Result<(), Failure> {
        if self.show == Show::Json {
            return output::json_line(event);
        }
        match event {
            JobEvent::State(change) => self.state(change),
            JobEvent::Progress { progress, .. } => self.progress(progress),
            JobEvent::Output { text, .. } | JobEvent::Text { text, .. } if self.show == Show::Output => {
                return self.beside(|| output::said(text));
            }
            JobEvent::Reset { attempt, .. } => self.note(&format!("the answer begins anew (attempt {attempt})")),
            JobEvent::Output { text, .. } | JobEvent::Text { text, .. } => {
                self.note(&format!("{DIM}{}{RESET}", shown::lines(text.trim_end())));
            }
            JobEvent::Cut { .. } => self.note("there is more output than is kept"),
        }
        Ok(())
    }

    fn state(&self, change: &StateChange) {
        let style = output::state_style(change.state);
        match &self.bar {
            Some(bar) => bar.set_message(change.state.as_str()),
            None => self.note(&format!("{style}{}{RESET}", change.state)),
        }
        // Whoever follows aside says itself what went wrong.
        if let Some(fault) = change.error.as_ref().filter(|_| self.show != Show::Aside) {
            self.note(&shown::lines(&fault.to_string()));
        }
    }

    fn progress(&self, progress: &Progress) {
        let Some(bar) = &self.bar else {
            let total = progress.total.map(|total| format!("/{total}")).unwrap_or_default();
            self.note(&format!("{}{total} {}", progress.done, shown::line(&progress.message)));
            return;
        };
        if let Some(total) = progress.total {
            if bar.length() != Some(total) {
                bar.set_length(total);
                if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}") {
                    bar.set_style(style);
                }
            }
            bar.set_position(progress.done);
        }
        bar.set_message(shown::line(&progress.message));
    }

    fn note(&self, text: &str) {
        self.beside(|| output::note(text));
    }

    /// Prints without the bar in the way.
    fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
