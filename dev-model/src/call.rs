//! One call from its arrival to its end, whoever ends it.

use crate::{
    counts::Usage,
    limits::Permit,
    record::Outcome,
    shared::{Place, Shared, Stage},
};
use std::sync::Arc;
use tokio::time::Instant;

/// A call on record. Dropped before it has ended, it was cancelled by its client.
pub(crate) struct Call {
    pub shared: Arc<Shared>,
    pub stage: Arc<Stage>,
    place: Place,
    model: String,
    /// What the whole answer is billed.
    whole: Usage,
    said: u64,
    permit: Option<Permit>,
    ended: bool,
}

impl Call {
    pub fn new(shared: Arc<Shared>, stage: Arc<Stage>, place: Place, model: String) -> Self {
        Self { shared, stage, place, model, whole: Usage::default(), said: 0, permit: None, ended: false }
    }

    /// The number of the call, from 1.
    pub fn number(&self) -> usize {
        self.place.number()
    }

    /// It counts against its key's limits until it has ended.
    pub fn let_in(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// An answer begins: what went in is billed.
    pub fn answers(&mut self, whole: Usage) {
        self.whole = whole;
        self.bill(whole.ended_after(0), 0);
    }

    /// So many tokens more were said.
    pub fn says(&mut self, tokens: u64) {
        self.said += tokens;
        if let Some(permit) = &self.permit {
            permit.said(tokens, Instant::now());
        }
        self.bill(self.whole.ended_after(self.said), tokens);
    }

    /// All of it is billed, whoever receives it.
    pub fn says_all(&mut self) {
        if let Some(permit) = &self.permit {
            permit.said(self.whole.output.saturating_sub(self.said), Instant::now());
        }
        self.bill(self.whole, 0);
    }

    /// It has ended; only the first end counts.
    pub fn end(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.ended, true) {
            self.permit = None;
            self.shared.update(self.place, |call| call.outcome = outcome);
        }
    }

    /// Whether it has ended for its record.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn bill(&self, usage: Usage, pieces: u64) {
        let cost = self.stage.script.cost(&self.model, &usage);
        self.shared.update(self.place, |call| {
            (call.usage, call.cost) = (usage, cost);
            call.pieces += pieces;
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}
