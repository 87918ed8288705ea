//! The right to run a job.

use crate::clock::Millis;
use flotilla_jobs::{Attempts, JobId};
use std::sync::Arc;

/// The right to run a job, until it expires or is taken away. Only a store makes one.
#[derive(Clone, Debug)]
pub struct Lease {
    pub(crate) job: JobId,
    pub(crate) queue: Arc<str>,
    pub(crate) worker: Arc<str>,
    /// Differs for every claim of a job; the queue checks it.
    pub(crate) token: u64,
    /// How often the job was given out and taken back before; the record checks it.
    pub(crate) run: u32,
    /// Counters at the time of the claim.
    pub(crate) attempts: Attempts,
    /// How the queue names the job; a store's own business.
    pub(crate) ticket: Arc<str>,
    /// When the job became ready: a job that is given back keeps its place.
    pub(crate) ready_at: Millis,
}

impl Lease {
    /// The job it is for.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// The queue the job came from.
    pub fn queue(&self) -> &str {
        &self.queue
    }
}
