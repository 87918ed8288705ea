//! Unique and idempotency keys, as every store names and judges them.

use super::Submission;
use crate::clock::Millis;
use flotilla_jobs::UniqueScope;

/// How long an idempotency key is remembered: 24 hours.
const IDEMPOTENCY_WINDOW_MS: Millis = 24 * 3_600_000;

/// A key that a job wants.
pub(crate) struct Key<'a> {
    /// Unlike that of any other key, whatever the producer called it.
    pub(crate) name: String,
    /// `waiting`, `unfinished` or `window`.
    pub(crate) scope: &'static str,
    /// How long it counts from now, where that is its scope.
    pub(crate) window_ms: Option<Millis>,
    /// As the producer spelled it, if it is an idempotency key.
    pub(crate) idempotency: Option<&'a str>,
}

/// The keys that a job wants.
pub(crate) fn keys_of(job: &Submission) -> impl Iterator<Item = Key<'_>> {
    let tenant = &job.spec.tenant;
    // Names hold no control characters, so the separator cannot be forged.
    let idempotency = job.idempotency_key.as_ref().map(|key| Key {
        name: format!("i\u{1f}{tenant}\u{1f}{key}"),
        scope: "window",
        window_ms: Some(IDEMPOTENCY_WINDOW_MS),
        idempotency: Some(key),
    });
    let unique = job.spec.unique.as_ref().map(|unique| {
        let (scope, window_ms) = match unique.scope {
            UniqueScope::Waiting => ("waiting", None),
            UniqueScope::Unfinished => ("unfinished", None),
            UniqueScope::WindowMs(ms) => ("window", Some(ms as Millis)),
        };
        let name = format!("u\u{1f}{tenant}\u{1f}{}\u{1f}{}", job.kind, unique.key);
        Key { name, scope, window_ms, idempotency: None }
    });
    idempotency.into_iter().chain(unique)
}

/// Whether two texts are the same JSON value.
pub(crate) fn same_json(a: &str, b: &str) -> bool {
    let value = |text| serde_json::from_str::<serde_json::Value>(text);
    a == b || matches!((value(a), value(b)), (Ok(a), Ok(b)) if a == b)
}
