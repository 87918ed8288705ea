//! Taking over jobs that a stock apalis-redis producer pushed.

use super::Remote;
use crate::{
    hex::hex,
    store::{AdoptSource, Error, Submission, redis::Foreign},
};
use flotilla_jobs::{Invalid, NewJob, Options, Unique, UniqueScope};
use jiff::Timestamp;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

/// Longest name that is its own key, in bytes.
const READABLE: usize = 200;

impl Remote {
    /// Set aside, then on record, then forgotten there. A crash in between leaves them aside, and the key made of
    /// their id keeps the next adopter from accepting one twice. None new means that none is left.
    pub(super) async fn do_adopt(&self, from: &AdoptSource, batch: u32) -> Result<u32, Error> {
        loop {
            let foreign = self.queues.adopt_take(&from.source, batch).await?;
            let new = if foreign.is_empty() { 0 } else { self.adopt_batch(from, &foreign).await? };
            if new > 0 || foreign.is_empty() {
                return Ok(new);
            }
        }
    }

    async fn adopt_batch(&self, from: &AdoptSource, foreign: &[Foreign]) -> Result<u32, Error> {
        let jobs: Result<Vec<_>, _> = foreign.iter().map(|job| submission(from, job, payload(job))).collect();
        let accepted = match jobs {
            Ok(jobs) => self.do_enqueue(jobs).await,
            Err(invalid) => Err(invalid.into()),
        };
        match accepted {
            Ok(accepted) => {
                let ids: Vec<&str> = foreign.iter().map(|job| job.id.as_str()).collect();
                self.queues.adopt_done(&from.source, &ids, true).await?;
                Ok(accepted.iter().filter(|a| !a.duplicate).count() as u32)
            }
            Err(Error::Invalid(_)) => self.adopt_each(from, foreign).await,
            Err(error) => Err(error),
        }
    }

    /// One that cannot be on record must not block the others: a job that says so takes its place, and fails by it.
    /// What was handed in then stays in their data, under the id that the message names.
    async fn adopt_each(&self, from: &AdoptSource, foreign: &[Foreign]) -> Result<u32, Error> {
        let mut new = 0;
        for job in foreign {
            let accepted = match submission(from, job, payload(job)) {
                Ok(whole) => self.do_enqueue(vec![whole]).await,
                Err(invalid) => Err(invalid.into()),
            };
            let (accepted, whole) = match accepted {
                Err(Error::Invalid(why)) => {
                    tracing::warn!(source = from.source, id = job.id, %why, "a job was adopted without its arguments");
                    let text = format!("the arguments of {} in `{}` cannot be taken over: {why}", job.id, from.source);
                    let note = submission(from, job, text_value(&text))?;
                    (self.do_enqueue(vec![note]).await?, false)
                }
                other => (other?, true),
            };
            self.queues.adopt_done(&from.source, &[&job.id], whole).await?;
            new += accepted.iter().filter(|a| !a.duplicate).count();
        }
        Ok(new as u32)
    }
}

fn submission(from: &AdoptSource, job: &Foreign, payload: Box<RawValue>) -> Result<Submission, Invalid> {
    let unique = Unique { key: key(from, job), scope: UniqueScope::WindowMs(Unique::MAX_WINDOW_MS) };
    let options = Options {
        queue: Some(from.queue.clone()),
        run_at: job.run_at.map(|ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)),
        unique: Some(unique),
        ..Options::default()
    };
    let new = NewJob { kind: from.kind.clone(), payload, options, idempotency_key: None };
    Submission::new(new, Options::default())
}

/// A queue is named after a type there, whose name may be longer than a key of ours.
fn key(from: &AdoptSource, job: &Foreign) -> String {
    let name = format!("{}:{}", from.source, job.id);
    if name.len() <= READABLE && !name.contains(char::is_control) {
        return format!("apalis:{name}");
    }
    format!("apalis:{}", hex(&Sha256::digest(name)))
}

/// Arguments that are not JSON become a JSON text, so that the job ends as failed with a message instead of blocking
/// the queue it came from.
fn payload(job: &Foreign) -> Box<RawValue> {
    let text = String::from_utf8_lossy(job.data.as_deref().unwrap_or(b"null"));
    serde_json::from_str(&text).unwrap_or_else(|_| text_value(&text))
}

fn text_value(text: &str) -> Box<RawValue> {
    to_raw_value(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
