//! How a producer hands in jobs, wherever they go.

use crate::{Accepted, Invalid, Job, NewJob, Options};

/// Accepts jobs: implemented by the HTTP client, and by `flotilla-workers` over a store in the same process.
pub trait Enqueue: Send + Sync {
    /// Why jobs were not accepted.
    type Error: From<Invalid> + Send;

    /// Hands in up to [`MAX_BATCH`](crate::MAX_BATCH) jobs and answers in the order given. All are accepted, or none.
    fn submit(&self, jobs: Vec<NewJob>) -> impl Future<Output = Result<Vec<Accepted>, Self::Error>> + Send;

    /// Hands in one job of a typed kind. What `options` leaves out comes from the kind.
    fn enqueue<J: Job>(&self, job: &J, options: Options) -> impl Future<Output = Result<Accepted, Self::Error>> + Send {
        let new = NewJob::of(job).map(|new| new.with(options.or(J::defaults())));
        async move {
            let accepted = self.submit(vec![new?]).await?;
            let first = accepted.into_iter().next();
            first.ok_or_else(|| Invalid::new("jobs", "one was handed in, none was answered").into())
        }
    }
}
