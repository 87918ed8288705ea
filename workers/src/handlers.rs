//! The handlers that come with Flotilla: one file a kind, named as in `flotilla_jobs::kinds`.

mod code_review;

pub use crate::review::Roots;
pub use code_review::Reviewer;

use crate::registry::Registry;
use flotilla_jobs::kinds::CodeReview;

/// The kinds that come with Flotilla. Handlers read work trees below `roots` only.
pub fn standard(roots: Roots) -> Registry {
    Registry::new().with::<CodeReview>(Reviewer::new(roots))
}
