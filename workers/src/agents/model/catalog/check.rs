//! What holds for single settings of providers, models and routes. No error quotes a secret.

use flotilla_jobs::{Invalid, check_name};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, time::Duration};

/// Headers that the client sets itself.
const OURS: &[&str] = &["content-type", "content-length", "host", "accept", "transfer-encoding"];

/// A name of something of ours. A dot would end it: settings are named by paths.
pub fn name(name: &str) -> Result<(), Invalid> {
    check_name("name", name)?;
    if name.contains('.') {
        return Err(Invalid::new("name", format!("`{name}` holds a dot; write `{}`", name.replace('.', "-"))));
    }
    Ok(())
}

/// A name that nothing has, and what was probably meant.
pub fn unknown<'a>(field: &str, what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Invalid {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let hint = match known.as_slice() {
        [] => format!("no {what} is configured: add [{what}s.{}]", if name.is_empty() { "NAME" } else { name }),
        known => format!("use one of {}", known.join(", ")),
    };
    let message = if name.is_empty() { format!("is not set; {hint}") } else { format!("there is no `{name}`; {hint}") };
    Invalid::new(field, message)
}

/// An address that paths can be appended to.
pub fn base_url(text: &str) -> Result<Url, Invalid> {
    let wrong = |message: &str| Invalid::new("base_url", message);
    let url: Url = text.parse().map_err(|_| wrong("is not an address; use for example https://host/v1"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("is not an address of HTTP; use for example https://host/v1"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user or a password; use key, key_file or headers"));
    }
    if url.fragment().is_some() {
        return Err(wrong("holds a `#`, which no server would see"));
    }
    Ok(url)
}

/// A key that a header can carry.
pub fn key(key: Option<&SecretString>) -> Result<(), Invalid> {
    if key.is_some_and(|key| !key.expose_secret().bytes().all(|b| b.is_ascii_graphic())) {
        let message = "holds a character that a header cannot carry; use printable ASCII without blanks";
        return Err(Invalid::new("key", message));
    }
    Ok(())
}

/// Enough of the key's hash to tell it from others.
pub fn key_name(key: Option<&SecretString>) -> String {
    let Some(key) = key else { return "none".to_owned() };
    let hash = Sha256::digest(key.expose_secret());
    let start = hash.iter().take(4).fold(0u32, |start, byte| start << 8 | u32::from(*byte));
    format!("{start:08x}")
}

/// Headers that a request can carry and that are not the client's own.
pub fn headers(texts: &BTreeMap<String, SecretString>) -> Result<HeaderMap, Invalid> {
    let mut headers = HeaderMap::new();
    for (name, value) in texts {
        let wrong = |message: &str| Invalid::new("headers", format!("`{name}` {message}"));
        let header: HeaderName = name.parse().map_err(|_| wrong("is no name of a header"))?;
        if OURS.contains(&header.as_str()) {
            return Err(wrong("is set by the client"));
        }
        let mut value: HeaderValue =
            value.expose_secret().parse().map_err(|_| wrong("has a value that a header cannot carry"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

/// A length of time between 0.1 s and a day.
pub fn millis(field: &str, value: Option<u64>, default: Duration) -> Result<Duration, Invalid> {
    let Some(value) = value else { return Ok(default) };
    range(field, value, 100, 86_400_000)?;
    Ok(Duration::from_millis(value))
}

/// A limit that lets something through.
pub fn at_least_one<N: Copy + Into<u64>>(field: &str, value: Option<N>) -> Result<Option<N>, Invalid> {
    if value.is_some_and(|value| value.into() == 0) {
        return Err(Invalid::new(field, "is 0, which lets nothing through; leave it out for no limit"));
    }
    Ok(value)
}

/// A number between two others.
pub fn range(field: &str, value: u64, least: u64, most: u64) -> Result<(), Invalid> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(field, format!("is {value}; use {least} to {most}")))
}
