//! How long to wait before a failed job runs again.

use crate::Invalid;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Exponential back-off with full jitter: uniformly random between zero and `base × 2^failures`, at most `cap`.
///
/// Full jitter spreads a herd of retries better than fixed or equal jitter
/// (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backoff {
    /// Upper bound of the first wait, in milliseconds.
    pub base_ms: u64,
    /// Upper bound of every wait, in milliseconds.
    pub cap_ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base_ms: 1_000, cap_ms: 600_000 }
    }
}

impl Backoff {
    /// Longest `cap_ms`: one day.
    pub const MAX_CAP_MS: u64 = 86_400_000;

    /// The wait after the `failures`-th failure (1 for the first).
    ///
    /// `retry_after`, where the other side named one, is a lower bound that even `cap_ms` does not cut.
    pub fn delay(&self, failures: u32, retry_after: Option<Duration>, rng: &mut impl Rng) -> Duration {
        let jittered = Duration::from_millis(rng.random_range(0..=self.ceiling_ms(failures)));
        retry_after.map_or(jittered, |asked| asked.max(jittered))
    }

    /// The upper bound of the wait after the `failures`-th failure, in milliseconds.
    pub fn ceiling_ms(&self, failures: u32) -> u64 {
        let doublings = failures.saturating_sub(1).min(63);
        self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms)
    }

    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        if self.base_ms > self.cap_ms || self.cap_ms > Self::MAX_CAP_MS {
            return Err(Invalid::new(
                "backoff",
                format!(
                    "needs base_ms ≤ cap_ms ≤ {}; got base_ms {} and cap_ms {}",
                    Self::MAX_CAP_MS,
                    self.base_ms,
                    self.cap_ms
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    proptest! {
        #[test]
        fn never_above_the_ceiling(base in 0u64..1_000_000, cap in 0u64..100_000_000, failures in 0u32..=u32::MAX, seed: u64) {
            let b = Backoff { base_ms: base, cap_ms: cap };
            let d = b.delay(failures, None, &mut StdRng::seed_from_u64(seed));
            prop_assert!(d.as_millis() as u64 <= b.ceiling_ms(failures));
            prop_assert!(b.ceiling_ms(failures) <= cap);
        }

        #[test]
        fn the_ceiling_never_shrinks(base in 1u64..1_000_000, cap in 1u64..100_000_000, failures in 1u32..100) {
            let b = Backoff { base_ms: base, cap_ms: cap };
            prop_assert!(b.ceiling_ms(failures) <= b.ceiling_ms(failures + 1));
        }

        #[test]
        fn retry_after_is_a_lower_bound(after in 0u64..10_000_000, failures in 1u32..40, seed: u64) {
            let asked = Duration::from_millis(after);
            let d = Backoff::default().delay(failures, Some(asked), &mut StdRng::seed_from_u64(seed));
            prop_assert!(d >= asked);
            prop_assert!(d <= asked.max(Duration::from_millis(Backoff::default().cap_ms)));
        }
    }

    #[test]
    fn jitter_covers_the_whole_range() {
        let b = Backoff { base_ms: 1_000, cap_ms: 60_000 };
        let mut rng = StdRng::seed_from_u64(7);
        let waits: Vec<u64> = (0..2_000).map(|_| b.delay(4, None, &mut rng).as_millis() as u64).collect();
        assert!(waits.iter().any(|w| *w < 800) && waits.iter().any(|w| *w > 7_200));
    }
}
