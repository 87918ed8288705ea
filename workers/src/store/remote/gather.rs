//! Group commit over callers: submits that arrive while others are being written share the next write.

use super::enqueue::Intake;
use crate::store::{Error, Submission, desk::Desk};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

/// Writes under way at once: one that commits while the next one fills.
const IN_FLIGHT: usize = 2;
/// Most jobs in one write.
const MAX_JOBS: usize = 1_000;

type Waiting = (Vec<Submission>, oneshot::Sender<Result<(), Error>>);

/// The way to the shared write.
pub(super) struct Gather(Desk<Waiting>);

impl Gather {
    pub(super) fn start(intake: Intake) -> Self {
        Self(Desk::open(|waiting| run(intake, waiting)))
    }

    /// Accepts jobs without keys together with those of other callers.
    pub(super) async fn accept(&self, jobs: Vec<Submission>) -> Result<(), Error> {
        let closed = || Error::Unavailable { what: "postgres", detail: "the store is closed".to_owned() };
        let (answer, answered) = oneshot::channel();
        if !self.0.hand_in((jobs, answer)).await {
            return Err(closed());
        }
        answered.await.map_err(|_| closed())?
    }

    /// Ends after what was handed in is written.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

async fn run(intake: Intake, mut waiting: mpsc::Receiver<Waiting>) {
    let mut writes = JoinSet::new();
    loop {
        tokio::select! {
            first = waiting.recv(), if writes.len() < IN_FLIGHT => {
                let Some(first) = first else { break };
                let together = collect(first, &mut waiting);
                let intake = intake.clone();
                writes.spawn(async move { write(&intake, together).await });
            }
            Some(_) = writes.join_next(), if !writes.is_empty() => {}
        }
    }
    while writes.join_next().await.is_some() {}
}

fn collect(first: Waiting, waiting: &mut mpsc::Receiver<Waiting>) -> Vec<Waiting> {
    let mut jobs = first.0.len();
    let mut together = vec![first];
    while jobs < MAX_JOBS {
        let Ok(next) = waiting.try_recv() else { break };
        jobs += next.0.len();
        together.push(next);
    }
    together
}

async fn write(intake: &Intake, together: Vec<Waiting>) {
    let (batches, answers): (Vec<_>, Vec<_>) = together.into_iter().unzip();
    let all: Vec<Submission> = batches.concat();
    match intake.accept(&all).await {
        Ok(()) => answers.into_iter().for_each(|answer| drop(answer.send(Ok(())))),
        Err(Error::Unavailable { what, detail }) => {
            for answer in answers {
                let _ = answer.send(Err(Error::Unavailable { what, detail: detail.clone() }));
            }
        }
        // What one caller handed in must not fail the others: each is tried by itself.
        Err(_) => {
            for (batch, answer) in batches.iter().zip(answers) {
                let _ = answer.send(intake.accept(batch).await);
            }
        }
    }
}
