//! The only place that reads a wall clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// Whose time a store goes by: its server's own, or one that a test moves.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The store's server decides; for SQLite, which has no server, this machine.
    #[default]
    Store,
    /// A test decides.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The time to pass to a store's operation in place of its own, if a test set one.
    pub fn injected(&self) -> Option<Millis> {
        match self {
            Self::Store => None,
            Self::Manual(now) => Some(now.load(Ordering::SeqCst)),
        }
    }

    /// The injected time, or this machine's.
    pub fn now(&self) -> Millis {
        self.injected().unwrap_or_else(system_now)
    }
}

/// This machine's time. For log lines and for stores without a server; never for deciding who holds a lease
/// across machines.
pub fn system_now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as Millis)
}
