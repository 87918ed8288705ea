//! `code-review`: runs the review pipeline as a job.

use crate::{
    context::Context,
    registry::Handler,
    review::{self, Error, Host, Watch},
};
use async_trait::async_trait;
use flotilla_jobs::{
    Fault, Outcome,
    kinds::{CodeReview, Review},
};
use std::sync::Arc;

/// Reviews changes whose work trees lie below the roots of its host.
#[derive(Clone, Debug)]
pub struct Reviewer {
    host: Host,
}

impl Reviewer {
    /// A reviewer with what it may use.
    pub fn new(host: impl Into<Host>) -> Self {
        Self { host: host.into() }
    }
}

#[async_trait]
impl Handler<CodeReview> for Reviewer {
    async fn run(&self, job: CodeReview, cx: &Context) -> anyhow::Result<Outcome<Review>> {
        let voice = cx.clone();
        let say = move |done, total, message: &str| voice.progress(done, Some(total), message);
        let watch = Watch::new(cx.cancelled().clone(), cx.stopping().clone(), Arc::new(say));
        outcome(review::review(&job.source, &self.host, &watch).await, cx)
    }
}

fn outcome(result: Result<Review, Error>, cx: &Context) -> anyhow::Result<Outcome<Review>> {
    match result {
        Ok(review) => {
            cx.progress(Watch::STAGES, Some(Watch::STAGES), format!("{} findings", review.findings.len()));
            Ok(Outcome::Done(review))
        }
        // What hinders now may be gone on the next attempt, or on another worker.
        Err(error) if error.is_transient() => Err(error.into()),
        Err(error) => Ok(Outcome::Fail(Fault::new(error.code(), error.to_string()))),
    }
}
