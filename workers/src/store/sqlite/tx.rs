//! One write transaction: the statements run in it, and the bookkeeping that every change of a job's state needs.

use super::{
    row::{self, Place},
    unit::Unit,
};
use crate::{
    clock::Millis,
    store::{Error, Signal},
};
use flotilla_jobs::JobId;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};

static ADMIT: Unit = Unit::new(include_str!("admit.sql"));
static COUNT: Unit = Unit::new(include_str!("count.sql"));

/// A write transaction. What it notes is written by [`Tx::square`] and told after the commit.
pub(super) struct Tx<'c> {
    pub conn: &'c mut SqliteConnection,
    /// The time of everything in it.
    pub now: Millis,
    /// How many more jobs of a queue are now scheduled, pending, running and paused.
    counts: BTreeMap<String, [i64; 4]>,
    /// Groups in which somebody lined up or made room, and how many did.
    lines: BTreeMap<(String, String), usize>,
    work: BTreeSet<String>,
    cancel: Vec<JobId>,
    changed: Vec<JobId>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c mut SqliteConnection, now: Millis) -> Self {
        Self {
            conn,
            now,
            counts: BTreeMap::new(),
            lines: BTreeMap::new(),
            work: BTreeSet::new(),
            cancel: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Notes that a job went from one place to another; `None` is before it was accepted or after it ended.
    pub(super) fn moved(&mut self, queue: &str, from: Option<Place>, to: Option<Place>) {
        if !self.counts.contains_key(queue) {
            self.counts.insert(queue.to_owned(), [0; 4]);
        }
        let Some(counts) = self.counts.get_mut(queue) else { return };
        if let Some(from) = from {
            counts[from.count()] -= 1;
        }
        if let Some(to) = to {
            counts[to.count()] += 1;
        }
        if to == Some(Place::Ready) {
            self.work(queue);
        }
    }

    /// Notes that a job joined or left its group.
    pub(super) fn line(&mut self, queue: &str, group: &str) {
        *self.lines.entry((queue.to_owned(), group.to_owned())).or_default() += 1;
    }

    /// Notes that a queue may have work.
    pub(super) fn work(&mut self, queue: &str) {
        if !self.work.contains(queue) {
            self.work.insert(queue.to_owned());
        }
    }

    /// Notes that a running job is to be cancelled.
    pub(super) fn cancel(&mut self, id: JobId) {
        self.cancel.push(id);
    }

    /// Notes that a job's state, progress or output changed.
    pub(super) fn changed(&mut self, id: JobId) {
        self.changed.push(id);
    }

    /// Brings lines and counts up to date with what was noted; each operation ends with it.
    pub(super) async fn square(&mut self) -> Result<(), Error> {
        self.admit().await?;
        self.count().await
    }

    /// What to tell once the transaction is committed.
    pub(super) fn into_signals(self) -> Vec<Signal> {
        let work = self.work.iter().map(|queue| Signal::Work(queue.as_str().into()));
        let cancel = self.cancel.iter().copied().map(Signal::Cancel);
        work.chain(cancel).chain(self.changed.iter().copied().map(Signal::Changed)).collect()
    }

    /// Gives free slots of groups to the first in their lines.
    async fn admit(&mut self) -> Result<(), Error> {
        let mut open: Vec<(String, String)> = Vec::new();
        for (group, places) in std::mem::take(&mut self.lines) {
            open.extend(std::iter::repeat_n(group, places));
        }
        while !open.is_empty() {
            let done = ADMIT
                .run(self.conn, &open, |(queue, group), args| (0..4).fold(args, |args, _| args.add(queue).add(group)))
                .await?;
            // By group, what its last look says.
            let mut again = BTreeMap::new();
            for ((queue, group), done) in open.into_iter().zip(done) {
                let Some(row) = done.rows.first() else { continue };
                if row::get(row, "admitted")? {
                    self.work(&queue);
                }
                again.insert((queue, group), row::get::<bool>(row, "more")?);
            }
            open = again.into_iter().filter(|(_, more)| *more).map(|(group, _)| group).collect();
        }
        Ok(())
    }

    async fn count(&mut self) -> Result<(), Error> {
        let counts = std::mem::take(&mut self.counts);
        // A queue is noted when it is first used, even where nothing changed in number.
        let counts: Vec<_> = counts.into_iter().collect();
        let done = COUNT
            .run(self.conn, &counts, |(queue, [scheduled, pending, running, paused]), args| {
                args.add(queue).add(scheduled).add(pending).add(running).add(paused)
            })
            .await?;
        for ((queue, [.., running, _]), done) in counts.iter().zip(&done) {
            let capped = done.rows.first().map(|row| row::get(row, "capped")).transpose()?.unwrap_or(false);
            if capped && *running < 0 {
                self.work(queue);
            }
        }
        Ok(())
    }
}
