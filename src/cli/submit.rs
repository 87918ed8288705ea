//! `flotilla submit`: hands in a job.

use super::{filter, output, session::Session, watch::watch};
use crate::exit::{Exit, Failure};
use flotilla_jobs::{Group, NewJob, Options, Priority, Unique, UniqueScope};
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::io::Read;

/// The job.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  flotilla submit code-review '{\"source\":{\"type\":\"work_tree\",\"path\":\"/src/shop\"}}' --priority 1
  git diff | jq -Rs '{source:{type:\"diff\",diff:.}}' | flotilla submit code-review - --watch
  flotilla submit report @report.json --unique-key daily --unique-scope window:86400000")]
pub struct Args {
    /// Kind of the job
    kind: String,
    /// Its input: JSON, @FILE, or - for stdin
    #[arg(default_value = "{}", value_name = "JSON|@FILE|-")]
    payload: String,
    /// Queue to wait in
    #[arg(long)]
    queue: Option<String>,
    /// 0 runs first, 9 last
    #[arg(long)]
    priority: Option<u8>,
    /// Not before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    run_at: Option<Timestamp>,
    /// Failures after which it has failed for good
    #[arg(long, value_name = "N")]
    max_attempts: Option<u32>,
    /// Longest run of one attempt, in milliseconds
    #[arg(long, value_name = "MS")]
    timeout_ms: Option<u64>,
    /// At most one job for this key
    #[arg(long, value_name = "KEY")]
    unique_key: Option<String>,
    /// How long the key stays taken: waiting, unfinished or window:MS
    #[arg(long, value_name = "SCOPE", requires = "unique_key", value_parser = scope)]
    unique_scope: Option<UniqueScope>,
    /// At most --group-limit jobs of this group at once, first in first out
    #[arg(long, value_name = "KEY")]
    group: Option<String>,
    /// How many of the group at once
    #[arg(long, value_name = "N", default_value_t = 1, requires = "group")]
    group_limit: u16,
    /// Whose job it is
    #[arg(long)]
    tenant: Option<String>,
    /// Trace context to go on with (W3C traceparent)
    #[arg(long)]
    trace: Option<String>,
    /// Label; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// Makes a repeat return the first job, for 24 hours
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Follow it until it has ended
    #[arg(long)]
    watch: bool,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let follow = args.watch;
    let job = job(args)?;
    let backend = session.backend().await?;
    let exit = async {
        let accepted = backend.submit(vec![job]).await?;
        let accepted = accepted.first().ok_or_else(|| Failure::unavailable("the job was not answered"))?;
        match (session.json, follow) {
            (true, true) => output::json_line(accepted)?,
            (true, false) => output::json(accepted)?,
            (false, true) => output::note(&accepted.id.to_string()),
            (false, false) => output::line(&accepted.id.to_string())?,
        }
        if accepted.duplicate {
            output::note("an earlier job holds the key; this is its id");
        }
        if follow { watch(&*backend, accepted.id, 0, session.json).await } else { Ok(Exit::Ok) }
    }
    .await;
    backend.close().await;
    exit
}

fn job(args: Args) -> Result<NewJob, Failure> {
    let text = match args.payload.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|e| Failure::usage(format!("cannot read stdin: {e}")))?;
            text
        }
        payload => match payload.strip_prefix('@') {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|e| Failure::usage(format!("cannot read `{path}`: {e}")))?
            }
            None => payload.to_owned(),
        },
    };
    let payload = RawValue::from_string(text.trim().to_owned())
        .map_err(|e| Failure::usage(format!("the input is not JSON: {e}")))?;
    let options = Options {
        queue: args.queue,
        priority: args.priority.map(Priority::try_from).transpose()?,
        run_at: args.run_at,
        max_attempts: args.max_attempts,
        timeout_ms: args.timeout_ms,
        backoff: None,
        unique: args.unique_key.map(|key| Unique { key, scope: args.unique_scope.unwrap_or_default() }),
        group: args.group.map(|key| Group { key, limit: args.group_limit }),
        tenant: args.tenant,
        trace: args.trace,
        labels: args.label.iter().map(|text| filter::pair(text)).collect::<Result<_, _>>()?,
    };
    let job = NewJob { kind: args.kind, payload, options, idempotency_key: args.idempotency_key };
    job.validate()?;
    Ok(job)
}

fn scope(text: &str) -> Result<UniqueScope, String> {
    match (text, text.strip_prefix("window:").map(str::parse)) {
        ("waiting", _) => Ok(UniqueScope::Waiting),
        ("unfinished", _) => Ok(UniqueScope::Unfinished),
        (_, Some(Ok(ms))) => Ok(UniqueScope::WindowMs(ms)),
        _ => Err("use waiting, unfinished or window:MILLISECONDS".to_owned()),
    }
}
