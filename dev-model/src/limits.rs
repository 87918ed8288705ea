//! Rate limits of each key: buckets that fill all the time, and the headers that tell of them.

use crate::{clock, script::Limits, shared::lock, wire::Wire};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

/// The buckets of every key.
#[derive(Clone)]
pub(crate) struct Table {
    limits: Limits,
    keys: Arc<Mutex<HashMap<String, Key>>>,
}

/// A call that was let in: it counts as under way until this is dropped.
pub(crate) struct Permit {
    table: Table,
    key: String,
}

/// Why a call was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    /// Which limit, in the vendors' abbreviation.
    pub what: &'static str,
    pub limit: u64,
    /// `None` where waiting does not help.
    pub wait: Option<Duration>,
}

struct Key {
    requests: Bucket,
    input: Bucket,
    output: Bucket,
    streams: u64,
}

/// Tokens that fill up to a minute's worth.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_minute: f64,
    level: f64,
    at: Instant,
}

impl Table {
    pub fn new(limits: Limits) -> Self {
        Self { limits, keys: Arc::default() }
    }

    /// Lets a call in, if every limit of its key allows it; a call that is not let in costs nothing.
    pub fn enter(&self, key: &str, input: u64, now: Instant) -> Result<Permit, Full> {
        let limits = self.limits;
        self.with(key, now, |buckets| {
            if limits.streams > 0 && buckets.streams >= limits.streams {
                let wait = Some(Duration::from_secs(1));
                return Err(Full { what: "concurrent streams", limit: limits.streams, wait });
            }
            buckets.requests.check(1, "requests per min (RPM)")?;
            buckets.input.check(input, "tokens per min (TPM)")?;
            buckets.output.check(1, "output tokens per min (OTPM)")?;
            buckets.requests.draw(1);
            buckets.input.draw(input);
            buckets.streams += 1;
            Ok(())
        })?;
        Ok(Permit { table: self.clone(), key: key.to_owned() })
    }

    /// The headers that tell what is left, of the limits that are set.
    pub fn headers(&self, wire: Wire, key: &str, now: Instant) -> Vec<(String, String)> {
        let (requests, input, output) =
            self.with(key, now, |buckets| (buckets.requests, buckets.input, buckets.output));
        let told: Vec<(&str, Bucket)> = match wire {
            Wire::Anthropic => vec![("requests", requests), ("input-tokens", input), ("output-tokens", output)],
            // It has one limit of tokens.
            _ => vec![("requests", requests), ("tokens", if input.is_set() { input } else { output })],
        };
        told.into_iter()
            .filter(|(_, bucket)| bucket.is_set())
            .flat_map(|(name, bucket)| bucket.told(wire, name))
            .collect()
    }

    fn with<T>(&self, key: &str, now: Instant, ask: impl FnOnce(&mut Key) -> T) -> T {
        let mut keys = lock(&self.keys);
        let limits = self.limits;
        let buckets = keys.entry(key.to_owned()).or_insert_with(|| Key {
            requests: Bucket::full(limits.requests_per_minute, now),
            input: Bucket::full(limits.input_tokens_per_minute, now),
            output: Bucket::full(limits.output_tokens_per_minute, now),
            streams: 0,
        });
        for bucket in [&mut buckets.requests, &mut buckets.input, &mut buckets.output] {
            bucket.fill(now);
        }
        ask(buckets)
    }
}

impl Permit {
    /// Draws what was said; more than is left is owed.
    pub fn said(&self, tokens: u64, now: Instant) {
        self.table.with(&self.key, now, |key| key.output.draw(tokens));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(key) = lock(&self.table.keys).get_mut(&self.key) {
            key.streams = key.streams.saturating_sub(1);
        }
    }
}

impl Bucket {
    fn full(per_minute: u64, now: Instant) -> Self {
        Self { per_minute: per_minute as f64, level: per_minute as f64, at: now }
    }

    fn is_set(&self) -> bool {
        self.per_minute > 0.0
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + since * self.per_minute / 60.0).min(self.per_minute);
        self.at = self.at.max(now);
    }

    fn check(&self, amount: u64, what: &'static str) -> Result<(), Full> {
        let amount = amount as f64;
        if !self.is_set() || self.level >= amount {
            return Ok(());
        }
        let wait = (amount <= self.per_minute).then(|| self.time_for(amount - self.level));
        Err(Full { what, limit: self.per_minute as u64, wait })
    }

    fn draw(&mut self, amount: u64) {
        if self.is_set() {
            self.level -= amount as f64;
        }
    }

    fn time_for(&self, amount: f64) -> Duration {
        Duration::from_secs_f64((amount * 60.0 / self.per_minute).max(0.0))
    }

    fn told(&self, wire: Wire, name: &str) -> [(String, String); 3] {
        let full_in = self.time_for(self.per_minute - self.level);
        let left = self.level.max(0.0).floor() as u64;
        let values = [("limit", self.per_minute as u64), ("remaining", left)];
        let [limit, remaining] = values.map(|(what, value)| (header(wire, name, what), value.to_string()));
        let reset = if wire == Wire::Anthropic { clock::rfc3339_in(full_in) } else { in_units(full_in) };
        [limit, remaining, (header(wire, name, "reset"), reset)]
    }
}

fn header(wire: Wire, name: &str, what: &str) -> String {
    match wire {
        Wire::Anthropic => format!("anthropic-ratelimit-{name}-{what}"),
        _ => format!("x-ratelimit-{what}-{name}"),
    }
}

/// As OpenAI writes lengths of time: `120ms`, `1.5s`, `6m0s`.
fn in_units(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{}s", ms as f64 / 1_000.0),
        _ => format!("{}m{}s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_bucket_fills_while_time_passes() {
        let now = Instant::now();
        let table = Table::new(Limits { requests_per_minute: 2, streams: 9, ..Limits::default() });
        let permits = [table.enter("a", 1, now).unwrap(), table.enter("a", 1, now).unwrap()];
        let full = table.enter("a", 1, now).err().unwrap();
        assert_eq!((full.limit, full.wait), (2, Some(s(30))));
        assert!(table.enter("b", 1, now).is_ok(), "another key has limits of its own");
        let told = table.headers(Wire::OpenaiChat, "a", now);
        let expected = [("limit", "2"), ("remaining", "0"), ("reset", "1m0s")];
        assert_eq!(told, expected.map(|(what, v)| (format!("x-ratelimit-{what}-requests"), v.to_owned())));
        assert!(table.enter("a", 1, now + s(30)).is_ok());
        drop(permits);
    }

    #[test]
    fn streams_tokens_and_what_was_said_are_limited() {
        let now = Instant::now();
        let table = Table::new(Limits {
            input_tokens_per_minute: 100,
            output_tokens_per_minute: 60,
            streams: 1,
            ..Limits::default()
        });
        assert_eq!(table.enter("a", 101, now).err().unwrap().wait, None, "it never fits");
        let permit = table.enter("a", 10, now).unwrap();
        assert_eq!(table.enter("a", 10, now).err().unwrap().what, "concurrent streams");
        permit.said(90, now);
        drop(permit);
        let full = table.enter("a", 10, now).err().unwrap();
        assert_eq!((full.limit, full.wait.unwrap().as_secs()), (60, 31));
        assert!(table.enter("a", 10, now + s(32)).is_ok());
    }

    #[test]
    fn times_are_told_in_units() {
        let told = [120, 1_500, 360_000].map(|ms| in_units(Duration::from_millis(ms)));
        assert_eq!(told, ["120ms", "1.5s", "6m0s"]);
    }
}
