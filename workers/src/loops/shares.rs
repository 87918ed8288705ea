//! Divides free slots over queues by weight.

use crate::fleet::QueueWeight;

/// Smooth weighted round robin: over any stretch of slots each open queue's share is within a slot or so of its
/// weight's, so none starves and none comes in bursts.
#[derive(Debug)]
pub(crate) struct Shares {
    queues: Vec<Queue>,
}

#[derive(Debug)]
struct Queue {
    name: String,
    weight: i64,
    credit: i64,
}

impl Shares {
    /// Shares of these queues; a weight of 0 counts as 1, and a queue named twice counts once.
    pub fn new(weights: &[QueueWeight]) -> Self {
        let mut queues: Vec<Queue> = Vec::with_capacity(weights.len());
        for QueueWeight { name, weight } in weights {
            if !queues.iter().any(|q| q.name == *name) {
                queues.push(Queue { name: name.clone(), weight: i64::from(*weight).max(1), credit: 0 });
            }
        }
        Self { queues }
    }

    /// The queues' names, in the order that [`Self::divide`] speaks of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.queues.iter().map(|q| q.name.as_str())
    }

    /// How many of `slots` each queue gets; a queue that is not `open` gets none.
    pub fn divide(&mut self, slots: u32, open: &[bool]) -> Vec<u32> {
        let mut shares = vec![0; self.queues.len()];
        let total: i64 = self.open(open).map(|(_, q)| q.weight).sum();
        if total == 0 {
            return shares;
        }
        // A whole round gives each its weight and leaves the credits as they were.
        let rounds = i64::from(slots) / total;
        for (i, queue) in self.open(open) {
            shares[i] = (rounds * queue.weight) as u32;
        }
        for _ in 0..i64::from(slots) % total {
            shares[self.next(open, total)] += 1;
        }
        shares
    }

    fn next(&mut self, open: &[bool], total: i64) -> usize {
        let mut best = 0;
        let mut most = i64::MIN;
        for (i, queue) in self.queues.iter_mut().enumerate().filter(|(i, _)| open[*i]) {
            queue.credit += queue.weight;
            if queue.credit > most {
                (best, most) = (i, queue.credit);
            }
        }
        self.queues[best].credit -= total;
        best
    }

    fn open<'a>(&'a self, open: &'a [bool]) -> impl Iterator<Item = (usize, &'a Queue)> {
        self.queues.iter().enumerate().filter(|(i, _)| open[*i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shares(weights: &[u32]) -> Shares {
        let queues: Vec<_> =
            weights.iter().enumerate().map(|(i, w)| QueueWeight { name: format!("q{i}"), weight: *w }).collect();
        Shares::new(&queues)
    }

    proptest! {
        #[test]
        fn every_slot_is_given_to_an_open_queue(
            queues in prop::collection::vec((0u32..100, any::<bool>()), 1..8),
            asks in prop::collection::vec(0u32..500, 1..20),
        ) {
            let (weights, open): (Vec<_>, Vec<_>) = queues.into_iter().unzip();
            let mut s = shares(&weights);
            for slots in asks {
                let got = s.divide(slots, &open);
                let expected = if open.iter().any(|o| *o) { slots } else { 0 };
                prop_assert_eq!(got.iter().sum::<u32>(), expected);
                prop_assert!(got.iter().zip(&open).all(|(n, open)| *open || *n == 0));
            }
        }

        #[test]
        fn no_queue_starves_however_few_slots_come(
            weights in prop::collection::vec(1u32..50, 1..8),
            asks in prop::collection::vec(1u32..7, 50..200),
        ) {
            let mut s = shares(&weights);
            let open = vec![true; weights.len()];
            let mut got = vec![0u64; weights.len()];
            let mut all = 0u64;
            let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
            for slots in asks {
                all += u64::from(slots);
                for (sum, n) in got.iter_mut().zip(s.divide(slots, &open)) {
                    *sum += u64::from(n);
                }
                for (n, weight) in got.iter().zip(&weights) {
                    let fair = (all * u64::from(*weight)) as f64 / total as f64;
                    prop_assert!((*n as f64 - fair).abs() <= weights.len() as f64, "{got:?} of {all} by {weights:?}");
                }
            }
        }
    }

    #[test]
    fn a_queue_that_was_closed_gets_its_share_when_it_opens() {
        let mut s = shares(&[1, 1]);
        assert_eq!(s.divide(1_001, &[true, false]), [1_001, 0]);
        let got = s.divide(100, &[true, true]);
        assert!((49..=51).contains(&got[1]), "{got:?}");
    }

    #[test]
    fn a_queue_named_twice_counts_once() {
        let twice = [QueueWeight::new("a", 3), QueueWeight::new("a", 9)];
        assert_eq!(Shares::new(&twice).names().collect::<Vec<_>>(), ["a"]);
    }
}
