//! `flotilla sessions ls`: one page, the newest first.

use crate::{
    cli::{backend::Backend, output},
    exit::{Exit, Failure},
};
use flotilla_jobs::{Session, SessionId};

/// Which sessions.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Most sessions to list
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Go on after this session: the id that the page before ended with
    #[arg(long, value_name = "ID")]
    after: Option<SessionId>,
}

pub(super) async fn run(args: Args, backend: &dyn Backend, json: bool) -> Result<Exit, Failure> {
    let page = backend.sessions(args.tenant.as_deref(), args.after, args.limit).await?;
    if json {
        output::json(&page)?;
        return Ok(Exit::Ok);
    }
    if page.sessions.is_empty() {
        output::note("no sessions");
        return Ok(Exit::Ok);
    }
    let rows: Vec<_> = page.sessions.iter().map(row).collect();
    output::table(&["ID", "TENANT", "STATE", "BUSY", "CHANGED", "TITLE"], &rows)?;
    if let Some(next) = page.next {
        output::note(&format!("more: --after {next}"));
    }
    Ok(Exit::Ok)
}

fn row(session: &Session) -> Vec<String> {
    vec![
        session.id.to_string(),
        session.tenant.clone(),
        state(session).to_owned(),
        session.busy.as_str().to_owned(),
        output::ago(session.updated_at),
        session.title.clone().unwrap_or_default(),
    ]
}

/// What goes on in it, in a word.
pub(super) fn state(session: &Session) -> &'static str {
    match (session.turn, session.archived_at) {
        (_, Some(_)) => "archived",
        (Some(_), None) => "in turn",
        (None, None) => "idle",
    }
}
