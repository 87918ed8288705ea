//! What was said in the runs of a job. Pages are printed as they come: never all of it is in memory.

use crate::{
    cli::{
        backend::Backend,
        output::{self, BLUE, DIM, RED, RESET},
    },
    exit::Failure,
    shown,
};
use flotilla_jobs::{
    JobId,
    api::{Speaker, TranscriptMessage},
};

/// All of it.
pub(super) async fn show(backend: &dyn Backend, id: JobId, json: bool) -> Result<(), Failure> {
    let (mut after, mut any) = (None, false);
    loop {
        let page = backend.transcript(id, after).await?;
        for message in &page.messages {
            any = true;
            if json { output::json_line(message)? } else { people(message)? }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if !any && !json {
        output::note("no agent said anything");
    }
    Ok(())
}

/// What was said is text of others, and indented: no line of it looks like one of ours.
fn people(message: &TranscriptMessage) -> Result<(), Failure> {
    let by = message.by.as_ref().map(|by| format!(" {}", shown::line(by))).unwrap_or_default();
    let (style, who) = match message.role {
        Speaker::System => (DIM, "system"),
        Speaker::User => (BLUE, "user"),
        Speaker::Assistant => (BLUE, "model"),
        Speaker::Call => (BLUE, "calls"),
        Speaker::Tool if message.failed => (RED, "tool failed:"),
        Speaker::Tool => (BLUE, "tool"),
    };
    let TranscriptMessage { run, thread, seq, .. } = message;
    let step = shown::line(&message.step);
    output::line(&format!("{style}{who}{by}{RESET}  {DIM}run {run}, step {thread}/{seq} {step}{RESET}"))?;
    for text in message.text.lines() {
        output::line(&format!("  {}", shown::line(text)))?;
    }
    if message.cut > 0 {
        output::line(&format!("  {DIM}({} more bytes are not shown){RESET}", message.cut))?;
    }
    output::line("")
}
