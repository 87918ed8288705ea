//! What a job's models say, step by step, and what of it readers were told: pure.
//!
//! Readers put an answer together from pieces; a reset voids what was said of a step and of those after it. Whatever
//! happens in between, what readers have when a step is on record is its text on record.

use crate::{context::Context, store::LiveEvent};
use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

/// Most bytes of text in one job's live output; the rest is on record only.
pub(super) const MAX_SAID: usize = 32 << 20;

/// Something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text {
        step: u32,
        attempt: u32,
        text: String,
    },
    Reset {
        step: u32,
        attempt: u32,
    },
    /// Nothing more is said.
    Cut,
}

/// What counts of a step.
#[derive(Debug, Default)]
struct Spoken {
    attempt: u32,
    /// Empty once it is on record.
    text: String,
    on_record: bool,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    waiting: VecDeque<Piece>,
    /// The one that is being said: whether it was, nobody knows if that is broken off.
    on_its_way: Option<Piece>,
    steps: BTreeMap<u32, Spoken>,
    /// The newest call of each step that was heard of.
    attempts: BTreeMap<u32, u32>,
    /// The latest step of which readers have something that counts.
    told: u32,
    bytes: usize,
    cut: bool,
    muted: bool,
}

impl Lines {
    pub fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// A model says more in a step.
    pub fn hear(&mut self, step: u32, attempt: u32, text: &str) {
        let goes_on = self.steps.get(&step).is_some_and(|spoken| spoken.attempt == attempt && !spoken.on_record);
        if !goes_on || self.steps.range(step + 1..).next().is_some() {
            self.again(step, attempt);
        }
        let spoken = self.steps.entry(step).or_insert_with(|| Spoken { attempt, ..Spoken::default() });
        spoken.text.push_str(text);
        self.push(step, attempt, text);
    }

    /// A step is made anew: nothing of it counts, nor of those after it.
    pub fn again(&mut self, step: u32, attempt: u32) {
        self.steps.split_off(&step);
        self.attempts.insert(step, attempt);
        self.waiting.retain(|piece| !matches!(piece, Piece::Text { step: later, .. } if *later >= step));
        if self.told >= step {
            self.told = step - 1;
            self.waiting.push_back(Piece::Reset { step, attempt });
        }
    }

    /// A step is on record.
    pub fn noted(&mut self, step: u32, text: &str) {
        let last = self.attempts.get(&step).copied().unwrap_or(1);
        match self.steps.get(&step) {
            Some(spoken) if spoken.on_record || spoken.text == text => {}
            Some(spoken) if text.starts_with(&spoken.text) => {
                let (attempt, from) = (spoken.attempt, spoken.text.len());
                self.push(step, attempt, &text[from..]);
            }
            // Who wrote it died before it could say so.
            Some(_) => {
                self.again(step, last + 1);
                self.push(step, last + 1, text);
            }
            None => self.push(step, last, text),
        }
        let attempt = self.attempts.get(&step).copied().unwrap_or(last);
        self.steps.insert(step, Spoken { attempt, text: String::new(), on_record: true });
    }

    /// An earlier run said this.
    pub fn recall(&mut self, event: LiveEvent) {
        match event {
            LiveEvent::Text { step, attempt, text } => {
                let spoken = self.steps.entry(step).or_default();
                if spoken.attempt != attempt {
                    *spoken = Spoken { attempt, ..Spoken::default() };
                }
                spoken.text.push_str(&text);
                self.bytes += text.len();
                self.attempts.insert(step, attempt);
                self.told = self.told.max(step);
            }
            LiveEvent::Reset { step, attempt } => {
                self.steps.split_off(&step);
                self.attempts.insert(step, attempt);
                self.told = self.told.min(step.saturating_sub(1));
            }
            LiveEvent::Cut => self.cut = true,
            LiveEvent::Progress(_) | LiveEvent::Output { .. } => {}
        }
    }

    /// The text of the latest step, if it is not on record.
    pub fn unfinished(&self) -> String {
        let last = self.steps.values().next_back().filter(|spoken| !spoken.on_record);
        last.map(|spoken| spoken.text.clone()).unwrap_or_default()
    }

    /// What to say next; the same again until [`Lines::said`].
    pub fn next(&mut self) -> Option<Piece> {
        if self.on_its_way.is_none() {
            self.on_its_way = self.take();
        }
        if let Some(Piece::Text { step, .. }) = &self.on_its_way {
            self.told = self.told.max(*step);
        }
        self.on_its_way.clone()
    }

    /// It was said.
    pub fn said(&mut self) {
        self.on_its_way = None;
    }

    fn take(&mut self) -> Option<Piece> {
        let most = Context::MAX_OUTPUT_BYTES;
        if let Some(Piece::Text { step, attempt, text }) = self.waiting.front_mut()
            && text.len() > most
        {
            let rest = text.split_off(text.floor_char_boundary(most));
            return Some(Piece::Text { step: *step, attempt: *attempt, text: mem::replace(text, rest) });
        }
        self.waiting.pop_front()
    }

    fn push(&mut self, step: u32, attempt: u32, more: &str) {
        self.attempts.insert(step, attempt);
        if self.muted || self.cut || more.is_empty() {
            return;
        }
        self.bytes += more.len();
        if self.bytes > MAX_SAID {
            self.cut = true;
            self.waiting.push_back(Piece::Cut);
            return;
        }
        match self.waiting.back_mut() {
            Some(Piece::Text { step: same, attempt: again, text }) if (*same, *again) == (step, attempt) => {
                text.push_str(more);
            }
            _ => self.waiting.push_back(Piece::Text { step, attempt, text: more.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests;
