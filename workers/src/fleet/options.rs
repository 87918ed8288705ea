//! What a fleet may be told.

use crate::{
    agents::budget::Budgets, isolate::Isolation, loops::archive::Archiving, store::AdoptSource, trace::Traces,
};
use flotilla_jobs::JobState;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How a fleet runs. Every field has a default.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// Start of the worker's name; what follows differs for every start.
    pub worker: String,
    /// Most jobs that run at once; 0 counts as 1.
    pub concurrency: usize,
    /// The queues served, and each one's weight when slots are short.
    pub queues: Vec<QueueWeight>,
    /// How long a lease lasts: so soon after a worker's death its jobs run again. What one worker does for the fleet
    /// another one does after the same time.
    pub lease: Duration,
    /// How often leases are renewed; at most a third of `lease`, so that one lost call costs nothing.
    pub renew_every: Duration,
    /// How long running jobs may go on after a stop.
    pub drain_timeout: Duration,
    /// How long handlers have to return at a safe point, once that time is over.
    pub stop_grace: Duration,
    /// How long a handler may take to return once it was told to end: cancelled, timed out, or its lease lost.
    pub grace: Duration,
    /// How long results may take to be recorded after the last handler ended.
    pub flush_timeout: Duration,
    /// Most jobs that run or wait to be recorded, so that a store that is away does not cost all memory; at least
    /// `concurrency`.
    pub max_unrecorded: usize,
    /// No jobs are claimed while the results that wait to be recorded hold so many bytes of output.
    pub max_unrecorded_bytes: usize,
    /// A slow poll for work, in case a wake-up is lost.
    pub poll: Duration,
    /// By the state that jobs ended in, the age at which they are deleted; those of a state not named are kept.
    pub prune_after: BTreeMap<JobState, Duration>,
    /// The age at which calls of models are deleted from the ledger; `None` keeps them.
    pub prune_spend_after: Option<Duration>,
    /// Limits by which jobs that a budget paused go on.
    pub budgets: Arc<Budgets>,
    /// Where sessions go that nobody spoke in for long.
    pub archiving: Option<Archiving>,
    /// Queues of stock apalis-redis producers whose jobs are taken over.
    pub adopt: Vec<AdoptSource>,
    /// How jobs that lost a worker before are run in a process of their own; `None` runs them among the others, where
    /// one that kills its worker takes the others' jobs with it again.
    pub isolation: Option<Isolation>,
    /// Where runs join the traces of those who submitted their jobs.
    pub traces: Option<Arc<dyn Traces>>,
    /// Ends the fleet at once: running jobs are dropped and given back.
    pub hard_stop: CancellationToken,
}

/// A queue and its share of the slots.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct QueueWeight {
    pub name: String,
    /// Twice the weight, twice the slots while both queues have work; 0 counts as 1.
    pub weight: u32,
}

impl QueueWeight {
    /// A queue of that weight.
    pub fn new(name: impl Into<String>, weight: u32) -> Self {
        Self { name: name.into(), weight }
    }
}

impl Default for FleetOptions {
    fn default() -> Self {
        Self {
            worker: "worker".to_owned(),
            concurrency: 50,
            queues: vec![QueueWeight::new("default", 1)],
            lease: Duration::from_secs(15),
            renew_every: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(25),
            stop_grace: Duration::from_secs(2),
            grace: Duration::from_secs(5),
            flush_timeout: Duration::from_secs(5),
            max_unrecorded: 5_000,
            max_unrecorded_bytes: 64 * 1024 * 1024,
            poll: Duration::from_secs(5),
            prune_after: JobState::TERMINAL.map(|state| (state, Duration::from_hours(30 * 24))).into(),
            prune_spend_after: Some(Duration::from_hours(400 * 24)),
            budgets: Arc::default(),
            archiving: None,
            adopt: Vec::new(),
            isolation: None,
            traces: None,
            hard_stop: CancellationToken::new(),
        }
    }
}
