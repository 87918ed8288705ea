//! One write transaction: the statements run in it, and the bookkeeping that every change of a job's state needs.

use super::{
    row::{self, Place},
    unit::Unit,
};
use crate::{
    clock::Millis,
    store::{Error, Signal, damage::Damage},
};
use flotilla_jobs::JobId;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};

static ADMIT: Unit = Unit::new(include_str!("admit.sql"));
static COUNT_GROUP: Unit = Unit::new(include_str!("count_group.sql"));
static COUNT: Unit = Unit::new(include_str!("count.sql"));

/// Most jobs of one line that are admitted together.
const PLACES: i64 = 16;

/// A write transaction. What it notes is written by [`Tx::square`] and told after the commit.
pub(super) struct Tx<'c> {
    pub conn: &'c mut SqliteConnection,
    /// The time of everything in it.
    pub now: Millis,
    /// What is met in it that cannot be read.
    pub damage: &'c Damage,
    /// How many more jobs of a queue are now scheduled, pending, running and paused.
    counts: BTreeMap<String, [i64; 4]>,
    /// By queue, groups in which somebody lined up or made room: how many more of their slots are taken.
    lines: BTreeMap<String, BTreeMap<String, i64>>,
    work: BTreeSet<String>,
    cancel: Vec<JobId>,
    changed: Vec<JobId>,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c mut SqliteConnection, now: Millis, damage: &'c Damage) -> Self {
        Self {
            conn,
            now,
            damage,
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

    /// Notes that a job joined its group's line, or that one left the group and gave so many slots of it back.
    pub(super) fn line(&mut self, queue: &str, group: &str, slots: i64) {
        let groups = self.lines.entry(queue.to_owned()).or_default();
        *groups.entry(group.to_owned()).or_default() -= slots;
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
        for (queue, groups) in std::mem::take(&mut self.lines) {
            let mut taken: Vec<(String, i64)> = groups.into_iter().collect();
            let mut open: Vec<usize> = (0..taken.len()).collect();
            while !open.is_empty() {
                open = self.admit_first(&queue, &mut taken, open).await?;
            }
            taken.retain(|(_, more)| *more != 0);
            COUNT_GROUP
                .run(self.conn, &taken, |(group, more), args| {
                    args.add(&queue).add(group).add(more).add(&queue).add(group)
                })
                .await?;
        }
        Ok(())
    }

    /// Admits the first of the `open` groups' lines; answers the groups in which there may be room for more.
    async fn admit_first(
        &mut self,
        queue: &str,
        taken: &mut [(String, i64)],
        open: Vec<usize>,
    ) -> Result<Vec<usize>, Error> {
        let looks: Vec<String> = open.iter().map(|i| &taken[*i]).map(|(group, n)| format!("{n}:{group}")).collect();
        let admitted = ADMIT
            .run_one(self.conn, |args| args.add(queue).add(json(&looks)).add(queue).add(queue).add(PLACES))
            .await?;
        let mut more: BTreeMap<&str, i64> = BTreeMap::new();
        for row in &admitted.rows {
            *more.entry(row::get(row, "group_key")?).or_default() += 1;
        }
        if !more.is_empty() {
            self.work(queue);
        }
        let mut roomy = Vec::new();
        for i in open {
            let more = more.get(taken[i].0.as_str()).copied().unwrap_or_default();
            taken[i].1 += more;
            if more == PLACES {
                roomy.push(i);
            }
        }
        Ok(roomy)
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

fn json(list: &impl Serialize) -> String {
    serde_json::to_string(list).expect("lists of texts and numbers are JSON")
}
