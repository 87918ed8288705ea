//! `code-review`: runs the review pipeline as a job.

use crate::{
    context::Context,
    registry::Handler,
    review::{self, Error, Roots, Watch},
};
use async_trait::async_trait;
use flotilla_jobs::{
    Fault, Outcome,
    kinds::{CodeReview, Review},
};
use std::sync::Arc;

/// Reviews changes whose work trees lie below its roots.
#[derive(Clone, Debug)]
pub struct Reviewer {
    roots: Roots,
}

impl Reviewer {
    /// A reviewer for these roots.
    pub fn new(roots: Roots) -> Self {
        Self { roots }
    }
}

#[async_trait]
impl Handler<CodeReview> for Reviewer {
    async fn run(&self, job: CodeReview, cx: &Context) -> anyhow::Result<Outcome<Review>> {
        let voice = cx.clone();
        let say = move |done, total, message: &str| voice.progress(done, Some(total), message);
        let watch = Watch::new(cx.cancelled().clone(), cx.stopping().clone(), Arc::new(say));
        outcome(review::review(&job.source, &self.roots, &watch).await, cx)
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
