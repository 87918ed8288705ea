//! Flags that say which jobs.

use crate::exit::Failure;
use flotilla_jobs::{Filter, JobState};
use jiff::Timestamp;

/// Which jobs: all that is given must hold.
#[derive(clap::Args)]
pub struct FilterArgs {
    /// State: scheduled, pending, running, paused, completed, failed, cancelled or quarantined
    #[arg(long, value_parser = state)]
    state: Option<JobState>,
    /// Kind, such as code-review
    #[arg(long)]
    kind: Option<String>,
    /// Queue
    #[arg(long)]
    queue: Option<String>,
    /// Tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Label; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// Accepted at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_after: Option<Timestamp>,
    /// Accepted before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    created_before: Option<Timestamp>,
}

impl FilterArgs {
    pub fn filter(&self) -> Result<Filter, Failure> {
        Ok(Filter {
            state: self.state,
            kind: self.kind.clone(),
            queue: self.queue.clone(),
            tenant: self.tenant.clone(),
            labels: self.label.iter().map(|text| pair(text)).collect::<Result<_, _>>()?,
            created_after: self.created_after,
            created_before: self.created_before,
        })
    }
}

/// `name=value`.
pub fn pair(text: &str) -> Result<(String, String), Failure> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| Failure::usage(format!("--label {text}: use NAME=VALUE")))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn state(text: &str) -> Result<JobState, String> {
    JobState::parse(text).ok_or_else(|| format!("use one of: {}", JobState::ALL.map(JobState::as_str).join(", ")))
}
