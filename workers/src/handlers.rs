//! The handlers that come with Flotilla: one file a kind, named as in `flotilla_jobs::kinds`.

mod aloud;
mod code_review;
mod drill;
#[cfg(test)]
mod tests;

pub use crate::review::{Host, Roots};
pub(crate) use aloud::Aloud;
pub use code_review::Reviewer;
pub use drill::Driller;

use crate::{agents::Agents, registry::Registry};
use flotilla_jobs::kinds::CodeReview;

/// The kinds that come with Flotilla. Handlers read work trees below the host's roots only; without `agents` reviews are
/// made by rules alone.
pub fn standard(host: impl Into<Host>, agents: Option<Agents>) -> Registry {
    Registry::new().with::<CodeReview>(Reviewer::new(host).with_agents(agents))
}
