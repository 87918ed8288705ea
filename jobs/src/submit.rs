//! What a producer hands in and what it gets back.

use crate::{Invalid, Job, JobId, Options, names};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Largest input of one job, in bytes of JSON.
pub const MAX_PAYLOAD_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting of arrays and objects in one job's input: what every JSON parser reads.
pub const MAX_PAYLOAD_DEPTH: usize = 100;
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
        if is_deeper(self.payload.get(), MAX_PAYLOAD_DEPTH) {
            let message = format!("is nested more than {MAX_PAYLOAD_DEPTH} levels deep; use fewer arrays and objects");
            return Err(Invalid::new("payload", message));
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

/// Whether valid JSON has more levels than this.
fn is_deeper(json: &str, most: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth > most {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(!is_deeper(&nested(100), 100) && is_deeper(&nested(101), 100));
        for flat in [r#"{"a":"[[["}"#, r#"["\"[[[["]"#, r#"["\\",[],[],[]]"#] {
            assert!(!is_deeper(flat, 2), "{flat}");
        }
        let many = format!("[{}[]]", "[],".repeat(500));
        assert!(!is_deeper(&many, 2));
        let new = |payload: String| NewJob {
            kind: "x".into(),
            payload: RawValue::from_string(payload).unwrap(),
            options: Options::default(),
            idempotency_key: None,
        };
        assert!(new(nested(100)).validate().is_ok());
        assert!(new(nested(100_000)).validate().unwrap_err().to_string().contains("100 levels"));
    }
}
