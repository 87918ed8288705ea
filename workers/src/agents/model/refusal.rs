//! What a provider says when it does not answer, and what that means: a class, and how long to wait.

mod clean;
mod headers;
mod span;

pub(super) use clean::Cleaner;
pub(super) use headers::Headers;

use super::{Class, wire::text};
use serde_json::Value;
use std::time::Duration;

/// Why there is no answer, before it is known whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub class: Class,
    /// Not cleaned yet.
    pub message: String,
    pub retry_after: Option<Duration>,
}

/// Quota or money is used up, in the words of those who say so.
const EXHAUSTED: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "enforced_spend_limit_reached",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "insufficient_balance",
    "insufficient_credits",
    "insufficient_user_quota",
    "usage_limit_reached",
    "payment_required",
    "exceeded_current_quota_error",
];
const RATE_LIMITED: &[&str] = &["rate_limit_exceeded", "rate_limit_error", "slow_down", "too_many_requests"];
const OVERLOADED: &[&str] = &[
    "overloaded_error",
    "overloaded",
    "server_is_overloaded",
    "server_error",
    "internal_server_error",
    "internal_error",
    "api_error",
    "timeout_error",
    "service_unavailable",
    "engine_overloaded_error",
];
const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "context_window_exceeded",
    "exceed_context_size_error",
    "model_context_window_exceeded",
];
const DENIED: &[&str] = &["authentication_error", "permission_error", "invalid_api_key", "account_deactivated"];
const INVALID: &[&str] =
    &["invalid_request_error", "not_found_error", "request_too_large", "invalid_prompt", "model_not_found"];
/// How servers without a code say that a prompt is too long.
const TOO_LONG_PHRASES: &[&str] = &[
    "maximum context length",
    "prompt is too long",
    "context window",
    "context length",
    "available context size",
    "input is too long",
    "input length and `max_tokens` exceed",
];

impl Complaint {
    #[allow(missing_docs)]
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after: None }
    }

    /// It was understood no more.
    pub fn cut(what: impl Into<String>) -> Self {
        Self::new(Class::Cut, format!("sent {}", what.into()))
    }

    /// An error within a stream or an answer that began well.
    pub fn in_stream(event: &Value) -> Self {
        let said = Words::of(event);
        // Some give a status as the code.
        let by_status = said.code.parse().ok().filter(|status| (400..600).contains(status)).map(|s| said.by_status(s));
        // What nobody has a word for is trouble of theirs: it had taken the request.
        let class = said.by_code().or(by_status).unwrap_or(Class::Overloaded);
        Self { class, message: format!("sent an error: {}", said.shown()), retry_after: said.wait(class) }
    }

    /// An answer with a status that is no success.
    pub fn of_status(status: u16, body: &[u8]) -> Self {
        let said = serde_json::from_slice(body).map(|body: Value| Words::of(&body)).unwrap_or_default();
        let class = match (status, said.by_code()) {
            (402, _) | (_, Some(Class::Exhausted)) => Class::Exhausted,
            (400 | 413 | 422, Some(Class::TooLong)) => Class::TooLong,
            (400 | 413 | 422, _) if said.is_too_long() => Class::TooLong,
            (429 | 503, Some(Class::RateLimited)) => Class::RateLimited,
            (status, _) => said.by_status(status),
        };
        let shown = match (status, said.shown()) {
            (300..=399, _) => "a redirect, which is not followed; correct base_url".to_owned(),
            (_, shown) if shown.is_empty() => "without saying why".to_owned(),
            (_, shown) => shown,
        };
        Self { class, message: format!("answered {status}: {shown}"), retry_after: said.wait(class) }
    }
}

/// What an error says, wherever in the body that is.
#[derive(Debug, Default)]
struct Words {
    code: String,
    kind: String,
    message: String,
}

impl Words {
    fn of(body: &Value) -> Self {
        // Some wrap it in a list.
        let body = body.as_array().and_then(|list| list.first()).unwrap_or(body);
        let error = body.get("error").or_else(|| body.pointer("/response/error")).filter(|error| !error.is_null());
        if let Some(message) = error.and_then(Value::as_str) {
            return Self { code: word(body, "code"), kind: word(body, "type"), message: message.to_owned() };
        }
        let error = error.unwrap_or(body);
        let mut message = text(error, "message").unwrap_or_default().to_owned();
        if message.is_empty() {
            message = detail(error.get("detail").or_else(|| body.get("detail")));
        }
        // Anthropic's finer code is among the details: a spend limit is a `rate_limit_error` there.
        let finer = error.get("details").map(|details| word(details, "error_code")).filter(|code| !code.is_empty());
        Self { code: finer.unwrap_or_else(|| word(error, "code")), kind: word(error, "type"), message }
    }

    fn by_code(&self) -> Option<Class> {
        let is = |codes: &[&str]| codes.iter().any(|code| self.code == *code || self.kind == *code);
        let lower = self.message.to_ascii_lowercase();
        // Anthropic says so with 400 and no code of its own.
        if is(EXHAUSTED) || lower.contains("credit balance is too low") {
            return Some(Class::Exhausted);
        }
        let classes = [
            (TOO_LONG, Class::TooLong),
            (RATE_LIMITED, Class::RateLimited),
            (OVERLOADED, Class::Overloaded),
            (DENIED, Class::Denied),
            (INVALID, Class::Invalid),
        ];
        let class = classes.into_iter().find(|(codes, _)| is(codes)).map(|(_, class)| class);
        if class == Some(Class::Invalid) && self.is_too_long() { Some(Class::TooLong) } else { class }
    }

    fn by_status(&self, status: u16) -> Class {
        match status {
            401 | 403 => Class::Denied,
            402 => Class::Exhausted,
            429 => Class::RateLimited,
            408 | 409 | 500.. => Class::Overloaded,
            _ if self.is_too_long() => Class::TooLong,
            _ => Class::Invalid,
        }
    }

    fn is_too_long(&self) -> bool {
        let lower = self.message.to_ascii_lowercase();
        TOO_LONG_PHRASES.iter().any(|phrase| lower.contains(phrase))
    }

    /// "try again in 1.2s", of those who say it nowhere else.
    fn wait(&self, class: Class) -> Option<Duration> {
        matches!(class, Class::RateLimited | Class::Overloaded).then(|| span::asked(&self.message)).flatten()
    }

    fn shown(&self) -> String {
        let code = if self.code.is_empty() { &self.kind } else { &self.code };
        match (code.as_str(), self.message.as_str()) {
            ("", message) => message.to_owned(),
            (code, "") => code.to_owned(),
            (code, message) => format!("{message} ({code})"),
        }
    }
}

/// A code: text, or a number.
fn word(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.to_ascii_lowercase(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// What `FastAPI` says. Only what is wrong is taken: it quotes the request too.
fn detail(detail: Option<&Value>) -> String {
    match detail {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let messages: Vec<&str> = list.iter().take(3).filter_map(|one| text(one, "msg")).collect();
            messages.join("; ")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
