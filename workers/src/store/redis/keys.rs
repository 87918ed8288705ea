//! Every Redis key and channel, spelled once.

/// The keys of one queue, in the order that `common.lua` expects, all under one hash tag, so that a script stays on
/// one node of a cluster.
pub(super) fn of_queue(prefix: &str, queue: &str) -> [String; 14] {
    [
        "pending", "delayed", "leases", "jobs", "tokens", "line", "ages", "active", "holders", "cancels", "settings",
        "counter", "parked", "kinds",
    ]
    .map(|part| format!("{{{prefix}:{queue}}}:{part}"))
}

/// Workers listen here for names of queues that may have work.
pub(super) fn work_channel(prefix: &str) -> String {
    format!("{prefix}:work")
}

/// Workers listen here for ids of running jobs that someone asked to cancel.
pub(super) fn cancel_channel(prefix: &str) -> String {
    format!("{prefix}:cancel")
}

/// Watchers listen here for ids of jobs that changed, separated by spaces.
pub(super) fn changed_channel(prefix: &str) -> String {
    format!("{prefix}:changed")
}

/// Who does what only one worker of a fleet does.
pub(super) fn leads(prefix: &str) -> String {
    format!("{prefix}:leads")
}

/// Ids of a foreign queue that are being adopted.
pub(super) fn set_aside(prefix: &str, source: &str) -> String {
    format!("{prefix}:adopt:{source}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_of_a_queue_share_a_hash_tag() {
        for key in super::of_queue("flotilla", "default") {
            assert!(key.starts_with("{flotilla:default}:"), "{key}");
        }
    }
}
