//! `flotilla doctor`: checks every dependency and setting, and says what to do.

mod checks;
mod providers;

use super::{
    output::{self, GREEN, RED, RESET, YELLOW},
    session::Session,
};
use crate::{
    config,
    exit::{Exit, Failure},
};
use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    name: &'static str,
    status: Status,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, found: found.into(), fix: None, exit: Exit::Ok }
    }

    fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status: Status::Warn, found: found.into(), fix: Some(fix.into()), exit: Exit::Ok }
    }

    fn fail(name: &'static str, exit: Exit, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status: Status::Fail, found: found.into(), fix: Some(fix.into()), exit }
    }
}

pub async fn run(session: &Session) -> Result<Exit, Failure> {
    report(&checks::all(session).await, session.json)
}

/// The report where there is nothing else to check.
pub fn broken_configuration(error: &config::Error, json: bool) -> Result<Exit, Failure> {
    let fix = "correct it; `flotilla config` then prints what is in force";
    report(&[Check::fail("configuration", Exit::Usage, error.to_string(), fix)], json)
}

fn report(checks: &[Check], json: bool) -> Result<Exit, Failure> {
    // A wrong setting comes before what does not answer because of it.
    let exits = [Exit::Usage, Exit::Unavailable, Exit::Findings];
    let exit = exits.into_iter().find(|exit| checks.iter().any(|check| check.exit == *exit)).unwrap_or(Exit::Ok);
    if json {
        output::json(&serde_json::json!({ "ok": exit == Exit::Ok, "checks": checks }))?;
        return Ok(exit);
    }
    for Check { name, status, found, fix, .. } in checks {
        let (style, word) = match status {
            Status::Ok => (GREEN, "ok  "),
            Status::Warn => (YELLOW, "warn"),
            Status::Fail => (RED, "FAIL"),
        };
        output::line(&format!("{style}{word}{RESET}  {name}: {found}"))?;
        if let Some(fix) = fix {
            output::line(&format!("      -> {fix}"))?;
        }
    }
    Ok(exit)
}
