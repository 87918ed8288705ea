//! Where each thread of a run stands: what is on record of it, and which number comes next.

use super::{chain, halt::Halt};
use crate::journal::{InputHash, Step, StepKey};
use std::{
    collections::{BTreeMap, HashMap},
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A thread's place.
#[derive(Debug)]
pub(super) struct Place {
    thread: u32,
    /// The number of the next step.
    next: u32,
    /// Hash of the last step whose successors build on it.
    pub head: InputHash,
    /// Steps of models so far.
    pub asked: u32,
    recorded: BTreeMap<u32, Step>,
}

impl Place {
    fn new(thread: u32) -> Self {
        Self { thread, next: 0, head: chain::START, asked: 0, recorded: BTreeMap::new() }
    }

    /// The next `count` numbers: they are given before any of the steps is made.
    pub fn take(&mut self, count: u32) -> impl Iterator<Item = StepKey> + use<> {
        let (thread, first) = (self.thread, self.next);
        self.next += count;
        (first..self.next).map(move |seq| StepKey { thread, seq })
    }

    /// The next number.
    pub fn take_one(&mut self) -> StepKey {
        let seq = self.next;
        self.next += 1;
        StepKey { thread: self.thread, seq }
    }

    /// The number that [`Place::take_one`] gives next.
    pub fn upcoming(&self) -> u32 {
        self.next
    }

    /// The next step, if it is on record.
    pub fn peek(&self) -> Option<&Step> {
        self.recorded.get(&self.next)
    }

    /// What is on record of a step, once: it is not asked for again.
    pub fn recorded(&mut self, key: StepKey) -> Option<Step> {
        self.recorded.remove(&key.seq)
    }
}

/// All threads of a run.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// `None` while somebody uses it.
    places: Mutex<HashMap<u32, Option<Place>>>,
}

impl Threads {
    /// With what is on record.
    pub fn new(steps: Vec<Step>) -> Self {
        let mut places: HashMap<u32, Option<Place>> = HashMap::new();
        for step in steps {
            let thread = step.key.thread;
            let place = places.entry(thread).or_insert_with(|| Some(Place::new(thread)));
            if let Some(place) = place {
                place.recorded.insert(step.key.seq, step);
            }
        }
        Self { places: Mutex::new(places) }
    }

    /// A thread, for one user at a time: steps get their numbers in the order of the code.
    pub fn enter(&self, thread: u32) -> Result<Entered<'_>, Halt> {
        let place = self.places().entry(thread).or_insert_with(|| Some(Place::new(thread))).take();
        let busy = || Halt::fail("thread_busy", format!("thread {thread} of the run is used twice at once"));
        place.map(|place| Entered { threads: self, place: Some(place) }).ok_or_else(busy)
    }

    fn places(&self) -> MutexGuard<'_, HashMap<u32, Option<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that is being used.
pub(super) struct Entered<'a> {
    threads: &'a Threads,
    /// Taken when this is dropped.
    place: Option<Place>,
}

impl Deref for Entered<'_> {
    type Target = Place;

    fn deref(&self) -> &Place {
        self.place.as_ref().unwrap_or_else(|| unreachable!("a place is taken out on drop only"))
    }
}

impl DerefMut for Entered<'_> {
    fn deref_mut(&mut self) -> &mut Place {
        self.place.as_mut().unwrap_or_else(|| unreachable!("a place is taken out on drop only"))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.threads.places().insert(place.thread, Some(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gap_and_a_thread_one_user() {
        let threads = Threads::default();
        let mut one = threads.enter(3).unwrap();
        assert!(threads.enter(3).is_err());
        let mut other = threads.enter(4).unwrap();
        assert_eq!(one.take_one(), StepKey { thread: 3, seq: 0 });
        assert_eq!(one.take(2).map(|key| key.seq).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(other.take_one(), StepKey { thread: 4, seq: 0 });
        drop(one);
        assert_eq!(threads.enter(3).unwrap().take_one().seq, 3);
    }
}
