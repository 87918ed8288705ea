//! `flotilla queues`: what waits and runs; pause, resume, cap.

use super::{output, session::Session};
use crate::exit::{Exit, Failure};
use clap::Subcommand;
use flotilla_jobs::{
    api::{QueueChange, QueueStats},
    check_name,
};

/// What to do; list them where nothing is said.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flotilla queues\n  flotilla queues pause slow\n  flotilla queues cap slow 10")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List every queue
    List,
    /// Hand out no more jobs of a queue, in the whole fleet; running ones go on
    Pause { queue: String },
    /// Hand out its jobs again
    Resume { queue: String },
    /// Let at most this many of its jobs run at once in the whole fleet; 0 takes the cap away
    Cap { queue: String, running: u32 },
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let change = match args.command.unwrap_or(Command::List) {
        Command::List => None,
        Command::Pause { queue } => Some((queue, QueueChange { paused: Some(true), cap: None })),
        Command::Resume { queue } => Some((queue, QueueChange { paused: Some(false), cap: None })),
        Command::Cap { queue, running } => Some((queue, QueueChange { paused: None, cap: Some(running) })),
    };
    let backend = session.backend().await?;
    let queues = async {
        if let Some((queue, change)) = &change {
            check_name("queue", queue)?;
            backend.configure_queue(queue, *change).await?;
        }
        let mut queues = backend.queues().await?;
        queues.retain(|queue| change.as_ref().is_none_or(|(name, _)| *name == queue.name));
        Ok::<_, Failure>(queues)
    }
    .await;
    backend.close().await;
    print(&queues?, session.json)?;
    Ok(Exit::Ok)
}

fn print(queues: &[QueueStats], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&queues);
    }
    if queues.is_empty() {
        output::note("no queue has been used yet");
        return Ok(());
    }
    let rows: Vec<_> = queues.iter().map(row).collect();
    output::table(&["QUEUE", "STATUS", "PENDING", "OLDEST", "RUNNING", "CAP", "SCHEDULED", "PAUSED JOBS"], &rows)?;
    queues.iter().flat_map(waiting).for_each(|line| output::note(&line));
    Ok(())
}

/// A line for each kind of which jobs wait for a worker that knows it.
pub fn waiting(queue: &QueueStats) -> Vec<String> {
    let line = |(kind, jobs): (&String, &u64)| {
        let wait = if *jobs == 1 { "waits" } else { "wait" };
        format!("{}: {jobs} {wait} for a worker that knows `{kind}`", queue.name)
    };
    queue.waiting_for_worker.iter().map(line).collect()
}

fn row(queue: &QueueStats) -> Vec<String> {
    vec![
        queue.name.clone(),
        if queue.paused { "paused" } else { "open" }.to_owned(),
        queue.pending.to_string(),
        queue.oldest_pending_ms.map(output::span).unwrap_or_default(),
        queue.running.to_string(),
        queue.cap.map(|cap| cap.to_string()).unwrap_or_default(),
        queue.scheduled.to_string(),
        queue.paused_jobs.to_string(),
    ]
}
