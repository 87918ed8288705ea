//! The two ways a run ends: with the job's final result, or with the job given back.

use super::{
    row::{self, Place},
    tx::Tx,
    unit::Unit,
};
use crate::{clock::Millis, store::Error};
use flotilla_jobs::{Cause, Fault, JobId, JobState};
use std::borrow::Cow;

static FINISH: Unit = Unit::of_keys(include_str!("finish.sql"));
static GIVE_BACK: Unit = Unit::of_keys(include_str!("give_back.sql"));

/// The final result of a job.
pub(super) struct Finish<'a> {
    pub id: JobId,
    /// As it is on record, whatever that is.
    pub run: i64,
    pub state: JobState,
    /// Who ran it and from when on, where it is not whoever runs it by the record.
    pub worker: Option<&'a str>,
    pub started_at: Option<Millis>,
    pub error: Option<Cow<'a, Fault>>,
    pub output: Option<&'a str>,
}

/// A run that ended, with the job to run again.
pub(super) struct GiveBack<'a> {
    pub id: JobId,
    pub run: u32,
    pub cause: Cause,
    pub worker: Option<&'a str>,
    pub started_at: Option<Millis>,
    pub error: Option<Cow<'a, Fault>>,
    /// Where it goes now.
    pub to: Place,
    /// When it is ready, if not at its former place.
    pub ready_at: Option<Millis>,
    pub paused: Option<&'a str>,
}

impl Tx<'_> {
    /// Records final results; answers for each whether this run was the one that counts.
    pub(super) async fn finish(&mut self, ends: &[Finish<'_>]) -> Result<Vec<bool>, Error> {
        let now = self.now;
        let done = FINISH
            .run(self.conn, ends, |e, args| {
                let args = args.add(e.state.as_str()).add(e.worker).add(e.started_at).add(now);
                args.add(json(e.error.as_deref())).add(e.output).add(e.id.0).add(e.run).add(e.id.0)
            })
            .await?;
        let mut counted = Vec::with_capacity(ends.len());
        for (end, done) in ends.iter().zip(&done) {
            if let Some(row) = done.rows.first() {
                let queue: &str = row::get(row, "queue")?;
                self.moved(queue, row::place(row, "state").unwrap_or_default(), None);
                if let Some(group) = row::get(row, "group_key")? {
                    self.line(queue, group, row::get(row, "holds")?);
                }
                self.changed(end.id);
            }
            counted.push(!done.rows.is_empty());
        }
        Ok(counted)
    }

    /// Gives jobs back; answers for each whether this run was the one that counts.
    pub(super) async fn give_back(&mut self, ends: &[GiveBack<'_>]) -> Result<Vec<bool>, Error> {
        let now = self.now;
        let done = GIVE_BACK
            .run(self.conn, ends, |e, args| {
                let args = args.add(e.worker).add(e.started_at).add(now).add(json(e.error.as_deref()));
                let args = args.add(e.cause.as_str()).add(e.id.0).add(e.run);
                let args = args.add(e.to as i64).add(e.to as i64).add(e.ready_at).add(e.paused);
                let args = Cause::ALL.iter().fold(args, |args, cause| args.add(i64::from(*cause == e.cause)));
                args.add(e.id.0)
            })
            .await?;
        let mut counted = Vec::with_capacity(ends.len());
        for (end, done) in ends.iter().zip(&done) {
            if let Some(row) = done.rows.first() {
                let queue: &str = row::get(row, "queue")?;
                self.moved(queue, Some(Place::Running), Some(end.to));
                if let (Place::Paused, Some(group)) = (end.to, row::get(row, "group_key")?) {
                    self.line(queue, group, 1);
                }
                self.changed(end.id);
            }
            counted.push(!done.rows.is_empty());
        }
        Ok(counted)
    }
}

fn json(fault: Option<&Fault>) -> Option<String> {
    fault.and_then(|f| serde_json::to_string(f).ok())
}
