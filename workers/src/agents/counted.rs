//! How many tokens texts are, remembered: what was said does not change, and counting it costs more than reading it.

use super::model::tokens;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Tokens of texts, by the first bytes of their hash.
#[derive(Debug, Default)]
pub struct Counts {
    before: HashMap<u64, u64>,
    /// Those that were asked for.
    now: Mutex<HashMap<u64, u64>>,
}

impl Counts {
    /// With what was counted before.
    pub fn new(before: impl IntoIterator<Item = (u64, u64)>) -> Self {
        Self { before: before.into_iter().collect(), now: Mutex::default() }
    }

    /// Tokens of a text, as rooms count.
    pub fn of(&self, text: &str) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&Sha256::digest(text)[..8]);
        let name = u64::from_be_bytes(first);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now.entry(name).or_insert_with(|| self.before.get(&name).copied().unwrap_or_else(|| tokens::count(text)))
    }

    /// What was asked for.
    pub fn used(&self) -> Vec<(u64, u64)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(name, tokens)| (*name, *tokens)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_not_counted_again() {
        let first = Counts::default();
        let (a, b) = (first.of("a few words"), first.of("others, and more"));
        assert!(a > 1 && b > a && first.of("a few words") == a);
        assert_eq!(first.used().len(), 2);
        // Anything may have been counted before: it is taken as it is.
        let wrong = Counts::new(first.used().into_iter().map(|(name, tokens)| (name, tokens + 100)));
        assert_eq!((wrong.of("a few words"), wrong.of("new")), (a + 100, tokens::count("new")));
        assert_eq!(wrong.used().len(), 2, "what nobody asks for any more is left out");
    }
}
