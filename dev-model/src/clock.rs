//! The wall clock: for what the formats want dated. Nothing is decided by it.

use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// Seconds since 1970, as the answers of OpenAI's formats carry them.
pub fn unix_seconds() -> i64 {
    Timestamp::now().as_second()
}

/// An HTTP date so long from now.
pub fn http_date_in(wait: Duration) -> String {
    httpdate::fmt_http_date(SystemTime::now() + wait)
}

/// An RFC 3339 time so long from now, as Anthropic's rate headers carry them.
pub fn rfc3339_in(wait: Duration) -> String {
    let at = Timestamp::now().saturating_add(wait).unwrap_or(Timestamp::MAX);
    format!("{at:.0}")
}
