//! The agents' side of the store: what they did, and what it cost. All of it is on record; the queue knows nothing.

use super::Remote;
use crate::{
    clock::millis,
    journal::{
        Begin, Begun, EndStep, Ended, Journal, Note, Noted, Opened, RunId, RunRecord, RunStart, SaidStep, Step, StepKey,
    },
    ledger::{Budget, Estimated, Fill, Ledger, Refused},
    store::{Error, Lease, steps},
};
use async_trait::async_trait;
use flotilla_jobs::{
    JobId,
    api::{JobStep, SpendQuery, SpendRow, StepPlace},
};
use std::time::Duration;

#[async_trait]
impl Journal for Remote {
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        steps::check_start(&start)?;
        self.record.open_run(lease, &start, false).await
    }

    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        steps::check_start(&start)?;
        self.record.open_run(lease, &start, true).await
    }

    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        self.record.steps(run, after, limit).await
    }

    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        steps::check_begins(&calls)?;
        self.scribe.begin(calls).await
    }

    async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        steps::check_ends(&ends)?;
        self.scribe.end(ends).await
    }

    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        steps::check_notes(&notes)?;
        self.scribe.note(notes).await
    }

    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        self.record.runs(job).await
    }

    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        self.record.trail(job, after, limit).await
    }

    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        self.record.step_after(job, after).await
    }
}

#[async_trait]
impl Ledger for Remote {
    async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error> {
        self.record.spend(query).await
    }

    async fn budgets(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error> {
        self.record.fills(budgets).await
    }

    async fn void_holds(&self, batch: u32) -> Result<u32, Error> {
        self.record.void_holds(batch).await
    }

    async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error> {
        self.record.refused(after, batch).await
    }

    async fn estimates(&self) -> Result<Vec<Estimated>, Error> {
        self.record.estimates().await
    }

    async fn prune_spend(&self, age: Duration, batch: u32) -> Result<u32, Error> {
        self.record.prune_spend(millis(age), batch).await
    }
}
