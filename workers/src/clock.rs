//! The only place that reads a wall clock.

use jiff::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
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

/// A length of time as stores count it; longer than they can count is as long as they can.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// A stored time as others see it; one that is no time is the epoch, so that it does not hide the rest.
pub(crate) fn timestamp(ms: Millis) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// This machine's time. For log lines and for stores without a server; never for deciding who holds a lease
/// across machines.
pub fn system_now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as Millis)
}
