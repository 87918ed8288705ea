//! What came in, what became of it, and what it costs.

use crate::{counts::Usage, wire::Wire};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// From 1, in the order of arrival.
    pub n: usize,
    /// Since the server started, or was reset.
    pub at_ms: u64,
    #[allow(missing_docs)]
    pub wire: Wire,
    /// Empty where the request names none.
    pub model: String,
    /// A fingerprint of the key; `None` where there was none.
    pub key: Option<String>,
    /// Whether it was to be streamed.
    pub stream: bool,
    /// As it came; null where it was no JSON, or was forgotten to keep memory bounded.
    pub body: Value,
    #[allow(missing_docs)]
    pub outcome: Outcome,
    /// How many pieces of text, thought or arguments were streamed so far.
    pub pieces: u64,
    /// What it is billed so far: all that went in once an answer began, and what was said of it. An answer that is not
    /// streamed is billed whole as soon as it begins.
    pub usage: Usage,
    /// In micro-dollars; `None` where the model has no price.
    pub cost: Option<u64>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not ended yet.
    Begun,
    /// All that was to be said was handed to the connection.
    Answered,
    /// With this status; 200 for a failure that was told in the middle of a stream.
    Failed(u16),
    /// The script ended the connection.
    Cut,
    /// The client went away.
    Cancelled,
}

/// What this provider would bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Every request.
    pub calls: u64,
    /// Those that an answer began to.
    pub billed: u64,
    /// Of those, the ones whose model has no price: they are not in `cost`.
    pub unpriced: u64,
    #[allow(missing_docs)]
    pub usage: Usage,
    /// In micro-dollars.
    pub cost: u64,
    /// The same by model.
    pub models: BTreeMap<String, ModelLedger>,
}

/// The bill of one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ModelLedger {
    pub calls: u64,
    pub billed: u64,
    pub unpriced: u64,
    pub usage: Usage,
    pub cost: u64,
}

impl CallRecord {
    /// Whether an answer began.
    pub fn is_billed(&self) -> bool {
        self.usage != Usage::default()
    }
}

impl ModelLedger {
    fn add(&mut self, call: &CallRecord) {
        self.calls += 1;
        if call.is_billed() {
            self.billed += 1;
            self.unpriced += u64::from(call.cost.is_none());
            self.usage += call.usage;
            self.cost += call.cost.unwrap_or_default();
        }
    }
}

impl Ledger {
    /// The bill of these calls.
    pub(crate) fn of(calls: &[CallRecord]) -> Self {
        let mut sum = ModelLedger::default();
        let mut models: BTreeMap<String, ModelLedger> = BTreeMap::new();
        for call in calls {
            sum.add(call);
            match models.get_mut(&call.model) {
                Some(model) => model.add(call),
                None => models.entry(call.model.clone()).or_default().add(call),
            }
        }
        let ModelLedger { calls, billed, unpriced, usage, cost } = sum;
        Self { calls, billed, unpriced, usage, cost, models }
    }
}
