//! The agents' side of the file: what they did, and what it cost.

use super::{File, fault, journal, journal::Opening, ledger, op::Op, trail};
use crate::{
    clock::millis,
    journal::{
        Begin, Begun, EndStep, Ended, Journal, Note, Noted, Opened, RunId, RunRecord, RunStart, SaidStep, Step, StepKey,
    },
    ledger::{Budget, Estimated, Fill, Ledger, Refused},
    store::{Error, Lease, books, steps},
};
use async_trait::async_trait;
use flotilla_jobs::{
    JobId,
    api::{JobStep, SpendQuery, SpendRow, StepPlace},
};
use sqlx::Connection;
use std::time::Duration;

#[async_trait]
impl Journal for File {
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        steps::check_start(&start)?;
        let opening = Box::new(Opening { lease: lease.clone(), start, again: false });
        Ok(self.writer.ask(Op::OpenRun, opening).await?.map(|opened| *opened))
    }

    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        steps::check_start(&start)?;
        let opening = Box::new(Opening { lease: lease.clone(), start, again: true });
        Ok(self.writer.ask(Op::OpenRun, opening).await?.map(|opened| *opened))
    }

    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        let found = journal::steps(&mut *self.reader().await?, run, after, limit).await;
        found.inspect_err(|error| steps::report(error, &self.state.damage))
    }

    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        steps::check_begins(&calls)?;
        self.writer.ask(Op::Begin, calls).await
    }

    async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        steps::check_ends(&ends)?;
        self.writer.ask(Op::End, ends).await
    }

    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        steps::check_notes(&notes)?;
        self.writer.ask(Op::Note, notes).await
    }

    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        // One snapshot, so that runs, steps and calls belong together.
        let mut reader = self.reader().await?;
        let mut snapshot = reader.begin().await.map_err(fault)?;
        let runs = journal::runs(&mut snapshot, job).await?;
        snapshot.commit().await.map_err(fault)?;
        Ok(runs)
    }

    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        trail::calls(&mut *self.reader().await?, job, after, limit).await
    }

    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        trail::step_after(&mut *self.reader().await?, job, after).await
    }
}

#[async_trait]
impl Ledger for File {
    async fn spend(&self, query: &SpendQuery) -> Result<Vec<SpendRow>, Error> {
        ledger::spend(&mut *self.reader().await?, query, self.clock.now()).await
    }

    async fn budgets(&self, budgets: &[Budget]) -> Result<Vec<Fill>, Error> {
        ledger::fills(&mut *self.reader().await?, budgets, self.clock.now()).await
    }

    async fn void_holds(&self, batch: u32) -> Result<u32, Error> {
        // Most calls find nothing, and need not wait for their turn to write.
        if !ledger::any_dead(&mut *self.reader().await?).await? {
            return Ok(0);
        }
        self.writer.ask(Op::Void, batch).await
    }

    async fn refused(&self, after: Option<JobId>, batch: u32) -> Result<Vec<(JobId, Refused)>, Error> {
        ledger::refused(&mut *self.reader().await?, after, batch, &self.state.damage).await
    }

    async fn estimates(&self) -> Result<Vec<Estimated>, Error> {
        ledger::estimates(&mut *self.reader().await?).await
    }

    async fn prune_spend(&self, age: Duration, batch: u32) -> Result<u32, Error> {
        let before = books::day(self.clock.now().saturating_sub(millis(age)));
        if !ledger::any_old(&mut *self.reader().await?, &before).await? {
            return Ok(0);
        }
        self.writer.ask(Op::PruneSpend, (before, batch)).await
    }
}
