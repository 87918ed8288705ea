//! Tells when a model makes the same calls again and again.

use super::tool::ToolCall;
use sha2::{Digest as _, Sha256};

/// How often the same calls are made before it counts as stuck.
const REPEATS: usize = 3;
/// Longest cycle that is looked for, in answers.
const MAX_PERIOD: usize = 4;

/// The calls of each answer so far, by their hash.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: Vec<[u8; 32]>,
}

impl Watch {
    /// Adds the calls of an answer; whether they are the third round of the same.
    pub fn is_stuck(&mut self, calls: &[ToolCall]) -> bool {
        let mut hash = Sha256::new();
        for call in calls {
            let arguments = serde_json::from_str(&call.arguments).map(|value| super::chain::canonical(&value));
            let arguments = arguments.unwrap_or_else(|_| call.arguments.clone());
            for text in [&call.name, &arguments] {
                hash.update(text.len().to_be_bytes());
                hash.update(text);
            }
        }
        self.seen.push(hash.finalize().into());
        (1..=MAX_PERIOD).any(|period| self.repeats(period))
    }

    fn repeats(&self, period: usize) -> bool {
        let Some(start) = self.seen.len().checked_sub(period * REPEATS) else { return false };
        let last = &self.seen[start..];
        last.iter().zip(&last[period..]).all(|(one, next)| one == next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuck_at(answers: &[&str]) -> Option<usize> {
        let mut watch = Watch::default();
        answers.iter().position(|arguments| {
            let call = ToolCall { id: "x".into(), name: "read".into(), arguments: (*arguments).into() };
            watch.is_stuck(&[call])
        })
    }

    #[test]
    fn the_same_three_times_is_stuck() {
        assert_eq!(stuck_at(&["1", "2", "2", "2", "3"]), Some(3));
        assert_eq!(stuck_at(&["{\"a\":1,\"b\":2}", "{ \"b\": 2, \"a\": 1 }", "{\"a\":1,\"b\":2}"]), Some(2));
        assert_eq!(stuck_at(&["1", "1", "2", "1", "1", "3"]), None);
    }

    #[test]
    fn so_is_a_cycle() {
        assert_eq!(stuck_at(&["1", "2", "1", "2", "1", "2"]), Some(5));
        assert_eq!(stuck_at(&["0", "1", "2", "3", "4", "1", "2", "3", "4", "1", "2", "3", "4"]), Some(12));
        assert_eq!(stuck_at(&["1", "2", "1", "2", "1", "3", "1", "2"]), None);
    }
}
