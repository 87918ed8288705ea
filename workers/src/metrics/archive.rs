//! What goes to the archive of sessions, and comes back.

use super::{Metrics, counter, counters};
use prometheus::{IntCounter, IntCounterVec, Registry};

pub(super) struct ArchiveMetrics {
    events: IntCounterVec,
    bytes: IntCounter,
}

/// What happened to a session, or to an object.
#[derive(Clone, Copy, Debug)]
pub enum ArchiveEvent {
    /// It is in the archive now.
    Archived,
    /// It is on record again.
    Restored,
    /// It stays where it was, and is tried again.
    Failed,
}

impl ArchiveMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            events: counters(
                registry,
                "flotilla_session_archive_total",
                "Sessions archived and restored by this process, and what failed and is tried again.",
                &["event"],
            ),
            bytes: counter(
                registry,
                "flotilla_session_archive_bytes_total",
                "Bytes that this process wrote to the archive for sessions that went there.",
            ),
        }
    }
}

impl Metrics {
    /// Something happened to a session or an object of the archive.
    pub fn archive(&self, event: ArchiveEvent) {
        let event = match event {
            ArchiveEvent::Archived => "archived",
            ArchiveEvent::Restored => "restored",
            ArchiveEvent::Failed => "failed",
        };
        self.archive.events.with_label_values(&[event]).inc();
    }

    /// A session of so many bytes went to the archive.
    pub fn archive_bytes(&self, bytes: u64) {
        self.archive.bytes.inc_by(bytes);
    }
}
