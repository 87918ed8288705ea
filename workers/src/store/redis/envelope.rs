//! What the queue keeps of a job: a head that scripts may replace, and a body only workers read.

use crate::store::{Submission, sane};
use flotilla_jobs::{Attempts, Backoff};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The run and the counters: `run,failure,crash,handover,throttle,budget`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) run: u32,
    pub(crate) attempts: Attempts,
}

impl Head {
    pub(crate) fn write(&self) -> String {
        let a = &self.attempts;
        format!("{},{},{},{},{},{}", self.run, a.failure, a.crash, a.handover, a.throttle, a.budget)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let counted = |n: &u32| sane::COUNT.contains(&i64::from(*n));
        let mut numbers = text.split(',').map(|n| n.parse().ok().filter(counted));
        let mut next = || numbers.next().flatten();
        let run = next()?;
        let attempts =
            Attempts { failure: next()?, crash: next()?, handover: next()?, throttle: next()?, budget: next()? };
        Some(Self { run, attempts })
    }
}

/// What a worker needs to run a job. Short names: there is one for each waiting job in Redis's memory.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body<'a> {
    /// Stands apart, for scripts to read.
    #[serde(skip)]
    pub(crate) kind: &'a str,
    #[serde(rename = "n", borrow)]
    pub(crate) tenant: Cow<'a, str>,
    #[serde(rename = "m")]
    pub(crate) max_attempts: u32,
    #[serde(rename = "t")]
    pub(crate) timeout_ms: u64,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) backoff: Option<Backoff>,
    #[serde(rename = "r", borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<Cow<'a, str>>,
    #[serde(rename = "p", borrow)]
    pub(crate) payload: &'a RawValue,
}

/// `head|kind|body` of a job.
pub(crate) fn write(head: Head, job: &Submission) -> String {
    let spec = &job.spec;
    let body = Body {
        kind: &job.kind,
        tenant: Cow::Borrowed(&spec.tenant),
        max_attempts: spec.max_attempts,
        timeout_ms: spec.timeout_ms,
        backoff: (spec.backoff != Backoff::default()).then_some(spec.backoff),
        trace: spec.trace.as_deref().map(Cow::Borrowed),
        payload: &job.payload,
    };
    let json = serde_json::to_string(&body).unwrap_or_default();
    format!("{}|{}|{json}", head.write(), job.kind)
}

/// What [`write`] was given, or what is wrong with it.
pub(crate) fn read(text: &str) -> Result<(Head, Body<'_>), String> {
    let (head, body) = text.split_once('|').ok_or("no head")?;
    let head = Head::read(head).ok_or_else(|| format!("head `{}`", head.chars().take(80).collect::<String>()))?;
    let (kind, body) = body.split_once('|').filter(|(kind, _)| !kind.is_empty()).ok_or("no kind")?;
    let body: Body<'_> = serde_json::from_str(body).map_err(|e| e.to_string())?;
    let settings = [
        ("max_attempts", i64::from(body.max_attempts), sane::SIZE),
        ("timeout_ms", i64::try_from(body.timeout_ms).unwrap_or(i64::MAX), sane::WAIT),
    ];
    sane::first_wrong(settings).map_or(Ok((head, Body { kind, ..body })), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flotilla_jobs::{NewJob, Options};

    #[test]
    fn a_job_survives_the_queue() {
        let new: NewJob = serde_json::from_str(r#"{"kind":"noop","payload":{"a|b":"\"ü"}}"#).unwrap();
        let job = Submission::new(new, Options::default()).unwrap();
        let head = Head { run: 3, attempts: Attempts { crash: 1, handover: 2, ..Attempts::default() } };
        let text = write(head, &job);
        let (read_head, body) = read(&text).unwrap();
        assert_eq!((read_head, body.kind, body.payload.get()), (head, "noop", r#"{"a|b":"\"ü"}"#));
    }

    #[test]
    fn what_a_newer_version_adds_is_passed_over() {
        let text = r#"3,0,1,2,0,0,9|noop|{"n":"default","m":2,"t":7,"z":{"later":[1]},"p":{"x":1}}"#;
        let (head, body) = read(text).unwrap();
        assert_eq!((head.run, head.attempts.handover), (3, 2));
        assert_eq!((body.kind, body.timeout_ms, body.payload.get()), ("noop", 7, r#"{"x":1}"#));
    }

    #[test]
    fn nonsense_is_an_error() {
        for bad in
            ["", "|", "0,0,0,0,0,0|", "0,0,0,0,0,0|noop|", "0,0,0,0,0,0|{}", "1,2|noop|{}", "x,0,0,0,0,0|noop|{}"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
