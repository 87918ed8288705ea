//! When the words of an answer came.

use super::WORD;
use std::time::Duration;
use tokio::time::Instant;

/// One answer, as its reader heard it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    /// When it was asked for: the job handed in, or the provider called.
    pub asked: Option<Instant>,
    /// When the job's handler began for the first time.
    pub started: Option<Instant>,
    pub first: Option<Instant>,
    pub last: Option<Instant>,
    /// Between two pieces.
    pub longest_gap: Duration,
    pub bytes: u64,
    /// Whether the answer came to its end.
    pub whole: bool,
}

/// What a run says of itself.
#[derive(Debug)]
pub(super) enum Told {
    /// Its handler began, maybe not for the first time.
    Started {
        n: u64,
        at: Instant,
    },
    /// Its first word came.
    First,
    Ended {
        n: u64,
        heard: Heard,
    },
}

impl Heard {
    /// Words that came. Pieces need not end between words, and an answer may begin without its space.
    pub fn words(&self) -> u64 {
        self.bytes.div_ceil(WORD.len() as u64)
    }

    /// One or more words came at once; answers whether they are the first.
    pub fn word(&mut self, text: &str) -> bool {
        let now = Instant::now();
        if let Some(last) = self.last {
            self.longest_gap = self.longest_gap.max(now.duration_since(last));
        }
        self.last = Some(now);
        self.bytes += text.len() as u64;
        let is_first = self.first.is_none();
        self.first.get_or_insert(now);
        is_first
    }
}
