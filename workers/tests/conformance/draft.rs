//! Jobs to submit: defaults, and what a case says otherwise.

use flotilla_jobs::{Group, NewJob, Options, Priority, Unique, UniqueScope};
use flotilla_workers::store::Submission;
use jiff::Timestamp;
use serde_json::{Value, json, value::to_raw_value};

/// A job in the making.
#[derive(Clone, Debug)]
pub struct Draft(NewJob);

/// A job that needs nothing and says nothing.
pub fn noop() -> Draft {
    kind("noop")
}

/// A job of this kind.
pub fn kind(kind: &str) -> Draft {
    let payload = to_raw_value(&json!({})).unwrap();
    Draft(NewJob { kind: kind.to_owned(), payload, options: Options::default(), idempotency_key: None })
}

impl Draft {
    pub fn payload(mut self, payload: &Value) -> Self {
        self.0.payload = to_raw_value(payload).unwrap();
        self
    }

    /// A payload in these very words.
    pub fn payload_text(mut self, payload: &str) -> Self {
        self.0.payload = serde_json::from_str(payload).unwrap();
        self
    }

    pub fn queue(self, name: &str) -> Self {
        self.with(|o| o.queue = Some(name.to_owned()))
    }

    pub fn priority(self, priority: u8) -> Self {
        self.with(|o| o.priority = Some(Priority::try_from(priority).unwrap()))
    }

    pub fn run_at(self, at: Timestamp) -> Self {
        self.with(|o| o.run_at = Some(at))
    }

    pub fn group(self, key: &str, limit: u16) -> Self {
        self.with(|o| o.group = Some(Group { key: key.to_owned(), limit }))
    }

    pub fn unique(self, key: &str, scope: UniqueScope) -> Self {
        self.with(|o| o.unique = Some(Unique { key: key.to_owned(), scope }))
    }

    pub fn idempotency(mut self, key: &str) -> Self {
        self.0.idempotency_key = Some(key.to_owned());
        self
    }

    pub fn tenant(self, name: &str) -> Self {
        self.with(|o| o.tenant = Some(name.to_owned()))
    }

    pub fn label(self, key: &str, value: &str) -> Self {
        self.with(|o| drop(o.labels.insert(key.to_owned(), value.to_owned())))
    }

    /// Changes any option.
    pub fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.0.options);
        self
    }

    pub fn submission(self) -> Submission {
        Submission::new(self.0, Options::default()).unwrap()
    }
}
