//! Any bytes as the body of a submit, as the API reads it.
#![no_main]

use flotilla_jobs::NewJob;
use flotilla_workers::{
    handlers::{Driller, Roots, standard},
    registry::Registry,
    store::Submission,
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static KINDS: LazyLock<Registry> =
    LazyLock::new(|| standard(Roots::Anywhere, None, None).with::<flotilla_jobs::kinds::Drill>(Driller));

fuzz_target!(|bytes: &[u8]| {
    let Ok(job) = serde_json::from_slice::<NewJob>(bytes) else { return };
    if job.validate().is_err() {
        return;
    }
    let payload = job.payload.get().to_owned();
    let Some(Ok(defaults)) = KINDS.check(&job) else { return };
    let Ok(submission) = Submission::new(job, defaults) else { return };
    assert_eq!(submission.payload.get(), payload);
    let spec = &submission.spec;
    assert!((1..=100).contains(&spec.max_attempts) && spec.timeout_ms >= 1 && !spec.queue.is_empty());
});
