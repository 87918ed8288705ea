//! What must hold between settings, beyond their types.

use super::{Config, Listen};
use flotilla_jobs::{JobState, check_name};
use flotilla_workers::cache::MAX_VALUE;
use secrecy::ExposeSecret;
use std::net::SocketAddr;

/// Shortest token; a shorter one can be guessed.
const MIN_TOKEN: usize = 16;
/// Longest token.
pub const MAX_TOKEN: usize = 512;

/// Longest time that ended jobs are kept, other than for ever: a hundred years.
const MAX_DAYS: u64 = 36_500;

type Wrong = (&'static str, String);

/// Which setting does not hold up, and why.
pub fn check(config: &Config) -> Result<(), Wrong> {
    store(config)?;
    worker(config)?;
    cache(config)?;
    sessions(config)?;
    telemetry(config)?;
    http(config)
}

fn cache(config: &Config) -> Result<(), Wrong> {
    let cache = &config.agents.cache;
    range("agents.cache.max_entries", cache.max_entries, 0, 1_000_000)?;
    range("agents.cache.max_mib", cache.max_mib, 1, 65_536)?;
    range("agents.cache.max_entry_bytes", cache.max_entry_bytes as u64, 1_024, MAX_VALUE as u64)
}

fn sessions(config: &Config) -> Result<(), Wrong> {
    let sessions = &config.sessions;
    match &sessions.archive_url {
        Some(url) => crate::archive::check(url).map_err(|why| ("sessions.archive_url", why))?,
        None if sessions.archive_after_days > 0 => {
            let message = "is set, but sessions.archive_url is not: there is nowhere to go";
            return Err(("sessions.archive_after_days", message.to_owned()));
        }
        None => {}
    }
    let days = sessions.archive_after_days;
    range("sessions.archive_after_days", days.into(), 0, MAX_DAYS)
}

fn telemetry(config: &Config) -> Result<(), Wrong> {
    let share = config.telemetry.traces_share;
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(("telemetry.traces_share", format!("is {share}; use a number from 0 to 1")))
}

fn store(config: &Config) -> Result<(), Wrong> {
    let store = &config.store;
    if store.redis_url.is_some() != store.postgres_url.is_some() {
        let (missing, there) = if store.redis_url.is_some() { ("postgres", "redis") } else { ("redis", "postgres") };
        let key = if missing == "redis" { "store.redis_url" } else { "store.postgres_url" };
        return Err((key, format!("is not set, but store.{there}_url is: a remote store needs both")));
    }
    if let Some(url) = &store.url {
        if store.redis_url.is_some() || store.postgres_url.is_some() {
            return Err((
                "store.url",
                "is set beside store.redis_url and store.postgres_url: use one or the other".into(),
            ));
        }
        if url.strip_prefix("sqlite:").is_none_or(str::is_empty) {
            return Err((
                "store.url",
                "use sqlite:PATH; for Redis and PostgreSQL set store.redis_url and store.postgres_url".into(),
            ));
        }
    }
    range("store.redis_timeout_ms", store.redis_timeout_ms, 100, 60_000)?;
    range("store.postgres_timeout_ms", store.postgres_timeout_ms, 100, 600_000)?;
    range("server.timeout_ms", config.server.timeout_ms, 100, 3_600_000)?;
    range("store.pool", store.pool.into(), 1, 1_000)
}

fn worker(config: &Config) -> Result<(), Wrong> {
    let worker = &config.worker;
    if worker.queues.is_empty() {
        return Err(("worker.queues", "names no queue; use for example default=1".into()));
    }
    for (name, weight) in &worker.queues {
        check_name(name, name).map_err(|e| ("worker.queues", e.message))?;
        range("worker.queues", u64::from(*weight), 1, 1_000)?;
    }
    for name in config.queues.keys() {
        check_name(name, name).map_err(|e| ("queues", e.message))?;
    }
    if !worker.adopt.is_empty() && config.store.redis_url.is_none() {
        return Err(("worker.adopt", "needs store.redis_url, the Redis that those producers push to".into()));
    }
    range("worker.concurrency", worker.concurrency as u64, 1, 10_000)?;
    range("worker.lease_ms", worker.lease_ms, 1_000, 3_600_000)?;
    range("worker.renew_ms", worker.renew_ms, 100, worker.lease_ms / 3).map_err(|(key, message)| {
        (key, format!("{message} (a third of worker.lease_ms, so that one lost call costs nothing)"))
    })?;
    range("worker.max_unrecorded", worker.max_unrecorded as u64, 1, 1_000_000)?;
    range("worker.max_unrecorded_mib", worker.max_unrecorded_mib as u64, 1, 1_000_000)?;
    range("worker.poll_ms", worker.poll_ms, 10, 60_000)?;
    range("worker.drain_ms", worker.drain_ms, 0, 86_400_000)?;
    range("worker.hard_stop_ms", worker.hard_stop_ms, 500, 86_400_000)?;
    range("worker.prune_after_days", worker.prune_after_days, 0, MAX_DAYS)?;
    range("worker.prune_spend_after_days", worker.prune_spend_after_days, 0, MAX_DAYS)?;
    for (state, days) in &worker.prune_after_days_of {
        if !JobState::TERMINAL.iter().any(|ended| ended.as_str() == state) {
            let ended = JobState::TERMINAL.map(JobState::as_str).join(", ");
            return Err(("worker.prune_after_days_of", format!("`{state}` is no state that jobs end in; use {ended}")));
        }
        range("worker.prune_after_days_of", *days, 0, MAX_DAYS)?;
    }
    Ok(())
}

fn http(config: &Config) -> Result<(), Wrong> {
    let http = &config.http;
    if http.listen == Listen::Off {
        return Err(("http.listen", "cannot be off; to run jobs without the API use `flotilla work`".into()));
    }
    for (key, token) in [("http.token", &http.token), ("server.token", &config.server.token)] {
        let Some(token) = token.as_ref().map(ExposeSecret::expose_secret) else { continue };
        let length = token.len();
        if key == "http.token" && !(MIN_TOKEN..=MAX_TOKEN).contains(&length) {
            return Err((
                key,
                format!("is {length} bytes long; use {MIN_TOKEN} to {MAX_TOKEN}, such as `openssl rand -hex 32`"),
            ));
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err((
                key,
                "holds a character that a header cannot carry; use printable ASCII without blanks".into(),
            ));
        }
    }
    range("http.max_body_bytes", http.max_body_bytes as u64, 1_024, 256 * 1024 * 1024)?;
    let (one, all) = (http.max_body_bytes as u64, http.max_bodies_bytes as u64);
    range("http.max_bodies_bytes", all, one, 64 * 1024 * 1024 * 1024)?;
    range("http.max_connections", http.max_connections as u64, 1, 1_000_000)?;
    range("http.max_streams", http.max_streams as u64, 1, 1_000_000)?;
    range("http.header_timeout_ms", http.header_timeout_ms, 100, 600_000)?;
    range("http.body_timeout_ms", http.body_timeout_ms, 100, 600_000)?;
    range("http.timeout_ms", http.timeout_ms, 100, 600_000)?;
    if let Some(root) = http.review_roots.iter().find(|root| !root.is_absolute()) {
        return Err(("http.review_roots", format!("`{}` is not absolute", root.display())));
    }
    Ok(())
}

/// Whether this address may be listened on: loopback, or with a token.
pub fn may_listen(key: &'static str, address: SocketAddr, has_token: bool) -> Result<(), Wrong> {
    if address.ip().is_loopback() || has_token {
        return Ok(());
    }
    Err((
        key,
        format!(
            "{address} can be reached from other machines, which needs a token: set http.token_file \
             (FLOTILLA_HTTP__TOKEN_FILE) or http.token to a secret of at least {MIN_TOKEN} characters, or listen on 127.0.0.1"
        ),
    ))
}

fn range(key: &'static str, value: u64, min: u64, max: u64) -> Result<(), Wrong> {
    within(value, min, max).map_err(|message| (key, message))
}

/// What is wrong with a number, if anything.
pub(super) fn within(value: u64, min: u64, max: u64) -> Result<(), String> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(format!("is {value}; use {min} to {max}")) }
}
