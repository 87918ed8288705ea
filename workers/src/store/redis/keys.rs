//! Every Redis key and channel, spelled once.

use crate::{admission::Lane, cache::Sort};

/// The keys of one queue, in the order that `common.lua` expects, all under one hash tag, so that a script stays on
/// one node of a cluster.
pub(super) fn of_queue(prefix: &str, queue: &str) -> [String; 14] {
    [
        "pending", "delayed", "leases", "jobs", "tokens", "line", "ages", "active", "holders", "cancels", "settings",
        "counter", "parked", "kinds",
    ]
    .map(|part| format!("{{{prefix}:{queue}}}:{part}"))
}

/// The keys of one lane and of its provider's breaker, in the order that `lane.lua` expects. All lanes of a provider
/// are under one hash tag, so that one script sees a lane together with the breaker. Names hold no control characters,
/// so the separator cannot be forged.
pub(super) fn of_lane(prefix: &str, lane: &Lane) -> [String; 6] {
    let Lane { provider, key, model } = lane;
    let tag = format!("{{{prefix}:provider:{provider}}}");
    let part = |part| format!("{tag}:{part}:{key}\u{1f}{model}");
    [part("pace"), part("streams"), part("line"), part("needs"), part("due"), format!("{tag}:breaker")]
}

/// Names of the lanes that were used.
pub(super) fn lanes(prefix: &str) -> String {
    format!("{prefix}:lanes")
}

/// The keys of one sort of what is cached, in the order that `cache.lua` expects, all under one hash tag.
pub(super) fn of_cache(prefix: &str, sort: Sort) -> [String; 5] {
    ["values", "order", "ends", "names", "counts"].map(|part| format!("{{{prefix}:cache:{}}}:{part}", sort.as_str()))
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
    use crate::admission::Lane;

    #[test]
    fn lanes_of_a_provider_share_a_hash_tag_and_nothing_else() {
        let lane = |key: &str, model: &str| Lane { provider: "one".into(), key: key.into(), model: model.into() };
        let (a, b) = (super::of_lane("flotilla", &lane("a", "b/c")), super::of_lane("flotilla", &lane("a/b", "c")));
        for key in a.iter().chain(&b) {
            assert!(key.starts_with("{flotilla:provider:one}:"), "{key}");
        }
        assert!(a[..5].iter().all(|key| !b.contains(key)));
        assert_eq!(a[5], b[5]);
    }

    #[test]
    fn keys_of_a_queue_share_a_hash_tag() {
        for key in super::of_queue("flotilla", "default") {
            assert!(key.starts_with("{flotilla:default}:"), "{key}");
        }
    }
}
