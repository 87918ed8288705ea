//! `flotilla migrate`: applies what is missing; safe to run again, and from several machines at once.

use super::{output, session::Session};
use crate::{
    exit::{Exit, Failure},
    open::Place,
};
use serde_json::json;

pub async fn run(session: &Session) -> Result<Exit, Failure> {
    let applied = Place::of(&session.loaded)?.migrate().await?;
    if session.json {
        output::json(&json!({ "applied": applied }))?;
        return Ok(Exit::Ok);
    }
    if applied.is_empty() {
        output::note("nothing to do: every migration is applied");
    }
    applied.iter().try_for_each(|name| output::line(name))?;
    Ok(Exit::Ok)
}
