//! `flotilla config`: what is in force and where it comes from.

use super::{output, session::Session};
use crate::{
    config,
    exit::{Exit, Failure},
};

pub fn run(session: &Session) -> Result<Exit, Failure> {
    if session.json {
        output::json(&config::to_json(&session.loaded))?;
    } else {
        config::people(&session.loaded).iter().try_for_each(|line| output::line(line))?;
    }
    Ok(Exit::Ok)
}
