//! The side of the process that runs one job.

use super::wire::{self, Ended, Said, Start};
use crate::{
    context::{Context, LeftSlot},
    crew::{Crew, Hold, Label},
    executor::panic_message,
    loops::live::{self, Said as Voiced},
    metrics::Metrics,
    registry::Registry,
    store::{End, Error, LiveEvent, Settle, Settled, Store},
    voice::Voice,
};
use flotilla_jobs::{Fault, Outcome};
use std::{
    io::{self, BufRead as _, Write as _},
    sync::Arc,
};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, channel, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// A job whose worker is gone.
#[derive(Debug)]
#[must_use = "until it is given back it waits for its lease to end, and is blamed"]
pub struct Orphan(Settle);

impl Orphan {
    /// Gives the job back to its queue, unspent: it did not take the worker down, or it would not be here to say so.
    pub async fn give_back(self, store: &dyn Store) -> Result<Settled, Error> {
        let settled = store.settle(vec![self.0]).await?;
        Ok(settled.into_iter().next().unwrap_or(Settled::LeaseLost))
    }
}

/// Runs the one job that standard input names, and says on standard output how it goes. Returns when it has ended, or
/// when the worker is gone: then the job is to be given back, and the process is to end at once, since the handler may
/// still run.
pub async fn serve(registry: &Registry) -> io::Result<Option<Orphan>> {
    let mut told = listen();
    let Some(first) = told.recv().await else { return Ok(None) };
    let start: Start = serde_json::from_str(&first)?;
    let orphan = Orphan(Settle::new(start.lease(), start.started_at, End::HandedOver));
    let kind = registry.kinds().find(|kind| *kind == start.kind);
    let Some((kind, handler)) = kind.and_then(|kind| Some((kind, registry.handler(kind)?))) else {
        let fault = Fault::new("unknown_kind", format!("kind `{}` is not known to this process", start.kind));
        say(&Said::Ended(Outcome::Fail(fault).into()))?;
        return Ok(None);
    };
    let (say_in, said) = channel(live::CAPACITY);
    let (cancelled, stopping) = (CancellationToken::new(), CancellationToken::new());
    let context = Context {
        lease: start.lease(),
        kind: start.kind,
        tenant: start.tenant,
        cancelled: cancelled.clone(),
        stopping: stopping.clone(),
        resumed: start.resumed.map(Arc::new),
        voice: Voice::new(say_in),
        left: LeftSlot::default(),
    };
    let left = context.left.clone();
    let payload = start.payload;
    let Some(crew) = Crew::start() else { return Err(io::Error::other("no thread for the handler")) };
    let label = Label { job: start.id, metrics: Metrics::new().kind(kind) };
    let handler = crew.spawn(label, async move { Ended::from(handler.run(&payload, &context).await) });
    // What cannot be said is not heard: the worker is gone too.
    let heard = tokio::select! {
        heard = attend(handler, told, said, (&cancelled, &stopping), &left) => heard.unwrap_or(false),
        () = crew.watch(CancellationToken::new()) => false,
    };
    Ok((!heard).then_some(orphan))
}

/// Answers whether the worker heard the end.
async fn attend(
    mut handler: Hold<Ended>,
    mut told: UnboundedReceiver<String>,
    mut said: Receiver<Voiced>,
    (cancelled, stopping): (&CancellationToken, &CancellationToken),
    left: &LeftSlot,
) -> io::Result<bool> {
    let ended = loop {
        tokio::select! {
            biased;
            line = told.recv() => match line.as_deref() {
                None => {
                    handler.abort();
                    return Ok(false);
                }
                Some(line) if line == wire::CANCEL.trim_end() => cancelled.cancel(),
                Some(line) if line == wire::STOP.trim_end() => stopping.cancel(),
                Some(_) => {}
            },
            Some(voiced) = said.recv() => pass_on(voiced)?,
            // The worker puts it on record also where this process does not come to say how it ended.
            left = left.changed() => if let Some(left) = left { say(&Said::Left(left))? },
            ended = handler.ended() => break ended,
        }
    };
    while let Ok(voiced) = said.try_recv() {
        pass_on(voiced)?;
    }
    let Some(ended) = ended else { return Ok(false) };
    let ended = ended.unwrap_or_else(|panic| Ended::Panicked(panic_message(&*panic)));
    if let Some(left) = left.take() {
        say(&Said::Left(left))?;
    }
    say(&Said::Ended(ended))?;
    Ok(true)
}

/// Lines of standard input, read by a thread that no handler can block.
fn listen() -> UnboundedReceiver<String> {
    let (tell, told) = unbounded_channel();
    // It ends with the process, or when the worker closes the pipe.
    std::thread::spawn(move || {
        let lines = io::stdin().lock().lines();
        lines.map_while(Result::ok).try_for_each(|line| tell.send(line))
    });
    told
}

fn pass_on(voiced: Voiced) -> io::Result<()> {
    match voiced {
        Voiced::Event(event) => {
            let (_, event): (_, LiveEvent) = *event;
            say(&Said::Event(event))
        }
        Voiced::Flush(done) => {
            let _ = done.send(());
            Ok(())
        }
    }
}

fn say(said: &Said) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(said.line().as_bytes())?;
    out.flush()
}
