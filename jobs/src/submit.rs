//! What a producer hands in and what it gets back.

use crate::{Invalid, Job, JobId, Options, names};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Largest input of one job, in bytes of JSON.
pub const MAX_PAYLOAD_BYTES: usize = 4 * 1024 * 1024;
/// Most jobs in one submit.
pub const MAX_BATCH: usize = 1_000;

/// A job to be accepted: the body of `POST /v1/jobs`, one or an array of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewJob {
    /// Name of the job kind.
    pub kind: String,
    /// The kind's input, as JSON.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub payload: Box<RawValue>,
    /// How to run it.
    #[serde(default)]
    pub options: Options,
    /// Makes a repeated submit return the first job for 24 hours: 1 to 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl NewJob {
    /// A job of a typed kind. The input is validated here, before anything is sent.
    pub fn of<J: Job>(job: &J) -> Result<Self, Invalid> {
        job.validate().map_err(|e| e.under("payload"))?;
        let payload = serde_json::value::to_raw_value(job).map_err(|e| Invalid::new("payload", e.to_string()))?;
        let new = Self { kind: J::KIND.to_owned(), payload, options: Options::default(), idempotency_key: None };
        new.validate()?;
        Ok(new)
    }

    /// The same job with these options.
    #[must_use]
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Checks everything that can be checked without knowing the kind.
    pub fn validate(&self) -> Result<(), Invalid> {
        names::name("kind", &self.kind)?;
        let size = self.payload.get().len();
        if size > MAX_PAYLOAD_BYTES {
            return Err(Invalid::new("payload", format!("is {size} bytes; at most {MAX_PAYLOAD_BYTES} are accepted")));
        }
        if self.payload.get().contains("\\u0000") {
            return Err(Invalid::new(
                "payload",
                "holds the character U+0000, which the record (PostgreSQL jsonb) cannot store",
            ));
        }
        self.idempotency_key.as_deref().map_or(Ok(()), |key| names::key("idempotency_key", key))
    }
}

/// The answer to a submit: the job is on record and will end in exactly one terminal state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// The job's id, or the first job's when this one is a duplicate.
    pub id: JobId,
    /// Whether an earlier job already held the unique or idempotency key.
    pub duplicate: bool,
}
