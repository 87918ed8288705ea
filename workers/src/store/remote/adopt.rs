//! Taking over jobs that a stock apalis-redis producer pushed.

use super::Remote;
use crate::store::{AdoptSource, Error, Submission, redis::Foreign};
use flotilla_jobs::{NewJob, Options, Unique, UniqueScope};
use jiff::Timestamp;
use serde_json::value::{RawValue, to_raw_value};

impl Remote {
    /// Set aside, then on record, then forgotten there. A crash in between leaves them aside, and the key made of
    /// their id keeps the next adopter from accepting one twice.
    pub(super) async fn do_adopt(&self, from: &AdoptSource, batch: u32) -> Result<u32, Error> {
        let foreign = self.queues.adopt_take(&from.source, batch).await?;
        if foreign.is_empty() {
            return Ok(0);
        }
        let jobs = foreign.iter().map(|job| submission(from, job)).collect::<Result<Vec<_>, _>>()?;
        let new = self.do_enqueue(jobs).await?.iter().filter(|a| !a.duplicate).count();
        let ids: Vec<String> = foreign.into_iter().map(|job| job.id).collect();
        self.queues.adopt_done(&from.source, &ids).await?;
        Ok(new as u32)
    }
}

fn submission(from: &AdoptSource, job: &Foreign) -> Result<Submission, Error> {
    let unique = Unique {
        key: format!("apalis:{}:{}", from.source, job.id),
        scope: UniqueScope::WindowMs(Unique::MAX_WINDOW_MS),
    };
    let options = Options {
        queue: Some(from.queue.clone()),
        run_at: job.run_at.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        unique: Some(unique),
        ..Options::default()
    };
    let new = NewJob { kind: from.kind.clone(), payload: payload(job), options, idempotency_key: None };
    Ok(Submission::new(new, Options::default())?)
}

/// Arguments that are not JSON become a JSON text, so that the job ends as failed with a message instead of blocking
/// the queue it came from.
fn payload(job: &Foreign) -> Box<RawValue> {
    let text = String::from_utf8_lossy(job.data.as_deref().unwrap_or(b"null"));
    serde_json::from_str(&text).or_else(|_| to_raw_value(&text)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
