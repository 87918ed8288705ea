//! The handlers that come with Flotilla: one file a kind, named as in `flotilla_jobs::kinds`.

mod aloud;
mod chat_turn;
mod code_review;
mod drill;
#[cfg(test)]
mod tests;

pub use crate::review::{Host, Roots};
pub(crate) use aloud::Choir;
pub use chat_turn::Chatter;
pub use code_review::Reviewer;
pub use drill::Driller;

use crate::{agents::Agents, engine_side::EngineSide, registry::Registry};
use flotilla_jobs::kinds::{ChatTurn, CodeReview};

/// The kinds that come with Flotilla. Handlers read work trees below the host's roots only; without `agents` reviews are
/// made by rules alone, and chats not at all. `store` is where the sessions of chats are.
pub fn standard(host: impl Into<Host>, agents: Option<Agents>, store: Option<EngineSide>) -> Registry {
    Registry::new()
        .with::<CodeReview>(Reviewer::new(host).with_agents(agents.clone()))
        .with::<ChatTurn>(Chatter::new(agents, store))
}
