//! How a job is run: what a producer may set, and what it comes to.

use crate::{Backoff, Invalid, Unique, names};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a producer may say about a job. Everything left out comes from the kind's defaults, then from
/// [`Spec::default`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Options {
    /// Queue to wait in; `default` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// 0 runs first, 9 last; 5 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Not before this time (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "date-time"))]
    pub run_at: Option<Timestamp>,
    /// Failures after which the job has failed for good, 1 to 100; 3 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Longest run of one attempt, in milliseconds, 1 to 86,400,000; 15 minutes unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Waits between failed attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// At most one job for a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<Unique>,
    /// At most N running with this key, first in first out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Whose job it is; `default` unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// W3C `traceparent` of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Free labels to list and filter by, at most 16.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// 0 runs first, 9 last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u8, minimum = 0, maximum = 9))]
pub struct Priority(u8);

impl Priority {
    /// The priority where nobody says otherwise.
    pub const DEFAULT: Self = Self(5);

    /// The number, 0 to 9.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<u8> for Priority {
    type Error = Invalid;

    fn try_from(value: u8) -> Result<Self, Invalid> {
        if value > 9 {
            return Err(Invalid::new("priority", format!("is {value}; use 0 (first) to 9 (last)")));
        }
        Ok(Self(value))
    }
}

impl From<Priority> for u8 {
    fn from(p: Priority) -> Self {
        p.0
    }
}

/// Jobs of a group run at most `limit` at a time within their queue, in the order they became ready.
///
/// A job holds its group's slot from its turn until its final result, also between attempts, so nothing
/// overtakes it; a paused job gives its slot up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// 1 to 256 bytes, no control characters.
    pub key: String,
    /// Most running at once, 1 to 1,000.
    #[serde(default = "one")]
    pub limit: u16,
}

const fn one() -> u16 {
    1
}

/// The options of one job, complete and valid: what a store keeps and a worker obeys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the fields are those of Options, where each is described")]
pub struct Spec {
    pub queue: String,
    pub priority: Priority,
    pub run_at: Option<Timestamp>,
    pub max_attempts: u32,
    pub timeout_ms: u64,
    pub backoff: Backoff,
    pub unique: Option<Unique>,
    pub group: Option<Group>,
    pub tenant: String,
    pub trace: Option<String>,
    pub labels: BTreeMap<String, String>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            queue: "default".to_owned(),
            priority: Priority::DEFAULT,
            run_at: None,
            max_attempts: 3,
            timeout_ms: 15 * 60_000,
            backoff: Backoff::default(),
            unique: None,
            group: None,
            tenant: "default".to_owned(),
            trace: None,
            labels: BTreeMap::new(),
        }
    }
}

impl Options {
    /// Longest `timeout_ms`: one day.
    pub const MAX_TIMEOUT_MS: u64 = 86_400_000;

    /// These options, with what they leave out taken from `defaults`; labels are joined.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        let mut labels = defaults.labels;
        labels.extend(self.labels);
        Self {
            queue: self.queue.or(defaults.queue),
            priority: self.priority.or(defaults.priority),
            run_at: self.run_at.or(defaults.run_at),
            max_attempts: self.max_attempts.or(defaults.max_attempts),
            timeout_ms: self.timeout_ms.or(defaults.timeout_ms),
            backoff: self.backoff.or(defaults.backoff),
            unique: self.unique.or(defaults.unique),
            group: self.group.or(defaults.group),
            tenant: self.tenant.or(defaults.tenant),
            trace: self.trace.or(defaults.trace),
            labels,
        }
    }

    /// These options over the kind's own defaults, checked.
    pub fn resolve(self, kind_defaults: Self) -> Result<Spec, Invalid> {
        let base = Spec::default();
        let all = self.or(kind_defaults);
        let spec = Spec {
            queue: all.queue.unwrap_or(base.queue),
            priority: all.priority.unwrap_or(base.priority),
            run_at: all.run_at,
            max_attempts: all.max_attempts.unwrap_or(base.max_attempts),
            timeout_ms: all.timeout_ms.unwrap_or(base.timeout_ms),
            backoff: all.backoff.unwrap_or(base.backoff),
            unique: all.unique,
            group: all.group,
            tenant: all.tenant.unwrap_or(base.tenant),
            trace: all.trace,
            labels: all.labels,
        };
        spec.validate().map_err(|e| e.under("options"))?;
        Ok(spec)
    }
}

impl Spec {
    fn validate(&self) -> Result<(), Invalid> {
        names::name("queue", &self.queue)?;
        names::name("tenant", &self.tenant)?;
        if !(1..=100).contains(&self.max_attempts) {
            return Err(Invalid::new("max_attempts", format!("is {}; use 1 to 100", self.max_attempts)));
        }
        if !(1..=Options::MAX_TIMEOUT_MS).contains(&self.timeout_ms) {
            return Err(Invalid::new(
                "timeout_ms",
                format!("is {}; use 1 to {} (one day)", self.timeout_ms, Options::MAX_TIMEOUT_MS),
            ));
        }
        self.backoff.validate()?;
        self.unique.as_ref().map_or(Ok(()), Unique::validate)?;
        if let Some(group) = &self.group {
            names::key("group.key", &group.key)?;
            if !(1..=1_000).contains(&group.limit) {
                return Err(Invalid::new("group.limit", format!("is {}; use 1 to 1000", group.limit)));
            }
        }
        if let Some(trace) = &self.trace {
            names::key("trace", trace)?;
        }
        self.validate_labels()
    }

    fn validate_labels(&self) -> Result<(), Invalid> {
        if self.labels.len() > names::MAX_LABELS {
            return Err(Invalid::new(
                "labels",
                format!("has {} labels; use at most {}", self.labels.len(), names::MAX_LABELS),
            ));
        }
        for (key, value) in &self.labels {
            names::name("labels", key)?;
            if value.len() > names::MAX_LABEL_VALUE || value.chars().any(char::is_control) {
                return Err(Invalid::new(
                    format!("labels.{key}"),
                    format!("use at most {} bytes and no control characters", names::MAX_LABEL_VALUE),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_producer_wins_over_the_kind() {
        let kind = Options { max_attempts: Some(7), queue: Some("slow".into()), ..Options::default() };
        let spec = Options { max_attempts: Some(2), ..Options::default() }.resolve(kind).unwrap();
        assert_eq!((spec.max_attempts, spec.queue.as_str(), spec.tenant.as_str()), (2, "slow", "default"));
    }

    #[test]
    fn an_error_names_the_field_and_the_range() {
        let bad = Options { max_attempts: Some(0), ..Options::default() }.resolve(Options::default()).unwrap_err();
        assert_eq!(bad.to_string(), "options.max_attempts: is 0; use 1 to 100");
        let bad: Result<Options, _> = serde_json::from_str(r#"{"priority": 10}"#);
        assert!(bad.unwrap_err().to_string().contains("use 0 (first) to 9 (last)"));
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let bad: Result<Options, _> = serde_json::from_str(r#"{"priorty": 1}"#);
        assert!(bad.unwrap_err().to_string().contains("priorty"));
    }
}
