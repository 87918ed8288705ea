//! What a store meets that cannot be what it says: named in the log, counted, and never a reason to stop.

use std::{
    fmt::Display,
    sync::atomic::{AtomicU64, Ordering},
};

/// How often a store met such a thing.
#[derive(Debug, Default)]
pub(crate) struct Damage(AtomicU64);

impl Damage {
    /// Met one more: where, what is wrong with it, and what is done about it.
    pub(crate) fn met(&self, place: impl Display, wrong: impl Display, then: &str) {
        self.0.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%place, %wrong, "unreadable: {then}");
    }

    /// How often.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
