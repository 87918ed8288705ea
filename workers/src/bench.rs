//! The yardstick: closed-loop measurements of a store and a fleet on it, all in one run.
//!
//! A figure is only worth something beside the raw limits of the same machine in the same minute, so those are
//! measured too, and the durability settings are part of the answer.

mod backlog;
mod drain;
mod enqueue;
mod idle;
mod latency;
mod machine;
mod report;
mod streams;

pub use backlog::{Backlog, backlogs};
pub use drain::drain;
pub use enqueue::{enqueue_in_batches, enqueue_one_by_one};
pub use idle::idle;
pub use latency::latency;
pub use machine::{Machine, Process, Usage};
pub use report::{Idle, Latency, Rate, Report};
pub use streams::{Cost, Plan, Provider, Served, ServerCost, Side, Streams, WORD, Wait, streams, streams_of_readers};

use crate::{
    context::Context,
    registry::{Handler, Registry},
    store::Submission,
};
use async_trait::async_trait;
use flotilla_jobs::{Invalid, Job, NewJob, Options, Outcome};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A job that does nothing but carry weight.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Noop {
    /// Which one it is, for measuring latency.
    pub n: u64,
    /// Weight: about 1 KB in all measurements.
    pub filler: String,
}

impl Job for Noop {
    const KIND: &'static str = "bench-noop";
    type Output = ();

    fn defaults() -> Options {
        Options { queue: Some(QUEUE.to_owned()), ..Options::default() }
    }
}

/// The queue measurements use, so that they meet no one else's jobs.
pub const QUEUE: &str = "bench";
/// Size of a payload, in bytes.
pub const PAYLOAD_BYTES: usize = 1_024;

/// A payload of [`PAYLOAD_BYTES`], as JSON, for measuring servers alone.
pub fn sample_payload() -> String {
    Maker::new().payload()
}

/// Handles [`Noop`] and says which one started.
struct Started(Option<mpsc::UnboundedSender<u64>>);

#[async_trait]
impl Handler<Noop> for Started {
    async fn run(&self, job: Noop, _: &Context) -> anyhow::Result<Outcome<()>> {
        if let Some(started) = &self.0 {
            let _ = started.send(job.n);
        }
        Ok(Outcome::Done(()))
    }
}

fn registry(started: Option<mpsc::UnboundedSender<u64>>) -> Registry {
    Registry::new().with::<Noop>(Started(started))
}

/// Makes jobs of the same size, some with priorities and groups.
#[derive(Clone)]
struct Maker {
    filler: Arc<str>,
}

impl Maker {
    fn new() -> Self {
        // Text that does not compress to nothing, so that the disk sees what a real payload would cost it.
        let words = (0u64..).map(|n| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let mut filler = String::new();
        for word in words {
            if filler.len() + word.len() > PAYLOAD_BYTES - 40 {
                break;
            }
            filler.push_str(&word);
        }
        Self { filler: filler.into() }
    }

    /// The payload as JSON, for measuring servers alone.
    fn payload(&self) -> String {
        serde_json::to_string(&Noop { n: 0, filler: self.filler.to_string() }).unwrap_or_default()
    }

    fn job(&self, n: u64, options: Options) -> Result<Submission, Invalid> {
        let job = Noop { n, filler: self.filler.to_string() };
        Submission::new(NewJob::of(&job)?.with(options), Noop::defaults())
    }
}
