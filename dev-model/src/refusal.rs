//! Failures, in each vendor's words.

use crate::{clock, script::Failure, wire::Wire};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// What a proxy in front of a provider says.
const HTML: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
/// The beginning of an answer.
const GARBAGE: &str = "{\"id\": \"scripted-garbage\", \"object\": ";

/// A failure that a vendor has words for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 500.
    #[default]
    ServerError,
    /// 529 of Anthropic, 503 of OpenAI.
    Overloaded,
    /// 429 that passes.
    RateLimited,
    /// 429 that does not: `insufficient_quota`, `enforced_spend_limit_reached`.
    InsufficientQuota,
    /// 402.
    Billing,
    /// 400: the prompt is longer than the context.
    ContextLengthExceeded,
    /// 400.
    Invalid,
    /// 401.
    Denied,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 408.
    Timeout,
    /// 502 with HTML of a proxy.
    HtmlProxy,
    /// 200 with a body that is no JSON.
    Garbage,
}

/// A failure as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    pub content_type: String,
    pub body: String,
    pub headers: Vec<(String, String)>,
}

/// Words of one vendor: status, type, code.
type Words = (u16, &'static str, Option<&'static str>);

impl Kind {
    /// What is answered, with what the failure sets itself.
    pub(crate) fn refusal(self, wire: Wire, failure: &Failure, message: &str) -> Refusal {
        let status = failure.status.unwrap_or_else(|| self.words(wire).0);
        let (content_type, body) = match self {
            Self::HtmlProxy => ("text/html", HTML.to_owned()),
            Self::Garbage => ("application/json", GARBAGE.to_owned()),
            _ => ("application/json", self.body(wire, failure, message).to_string()),
        };
        let mut headers: Vec<(String, String)> =
            failure.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        headers.extend(failure.retry_after.as_deref().map(|text| ("retry-after".to_owned(), retry_after(text))));
        Refusal {
            status,
            content_type: failure.content_type.clone().unwrap_or_else(|| content_type.to_owned()),
            body: failure.body.clone().unwrap_or(body),
            headers,
        }
    }

    /// The body, as the wire's vendor has it.
    pub(crate) fn body(self, wire: Wire, failure: &Failure, message: &str) -> Value {
        let (_, sort, code) = self.words(wire);
        let sort = failure.sort.as_deref().unwrap_or(sort);
        let code = failure.code.as_deref().or(code);
        let message = failure.message.as_deref().unwrap_or_else(|| self.message(wire).unwrap_or(message));
        if wire != Wire::Anthropic {
            let param = (self == Self::ContextLengthExceeded).then_some("messages");
            return json!({ "error": { "message": message, "type": sort, "param": param, "code": code } });
        }
        let mut error = json!({ "type": sort, "message": message });
        if let Some(code) = code {
            error["details"] = json!({ "error_code": code });
        }
        json!({ "type": "error", "error": error, "request_id": "req_scripted" })
    }

    fn words(self, wire: Wire) -> Words {
        let anthropic = wire == Wire::Anthropic;
        match self {
            Self::ServerError if anthropic => (500, "api_error", None),
            Self::ServerError => (500, "server_error", None),
            Self::Overloaded if anthropic => (529, "overloaded_error", None),
            Self::Overloaded => (503, "service_unavailable_error", Some("server_is_overloaded")),
            Self::RateLimited if anthropic => (429, "rate_limit_error", None),
            Self::RateLimited => (429, "requests", Some("rate_limit_exceeded")),
            Self::InsufficientQuota if anthropic => (429, "rate_limit_error", Some("enforced_spend_limit_reached")),
            Self::InsufficientQuota => (429, "insufficient_quota", Some("insufficient_quota")),
            Self::Billing if anthropic => (402, "billing_error", None),
            Self::Billing => (402, "billing_error", Some("billing_hard_limit_reached")),
            Self::ContextLengthExceeded if anthropic => (400, "invalid_request_error", None),
            Self::ContextLengthExceeded => (400, "invalid_request_error", Some("context_length_exceeded")),
            Self::Invalid => (400, "invalid_request_error", None),
            Self::Denied if anthropic => (401, "authentication_error", None),
            Self::Denied => (401, "invalid_request_error", Some("invalid_api_key")),
            Self::Forbidden if anthropic => (403, "permission_error", None),
            Self::Forbidden => (403, "invalid_request_error", None),
            Self::NotFound if anthropic => (404, "not_found_error", None),
            Self::NotFound => (404, "invalid_request_error", Some("model_not_found")),
            Self::Timeout if anthropic => (408, "timeout_error", None),
            Self::Timeout => (408, "server_error", None),
            Self::HtmlProxy => (502, "server_error", None),
            Self::Garbage => (200, "server_error", None),
        }
    }

    /// What the vendor says; `None` where that depends on the request.
    fn message(self, wire: Wire) -> Option<&'static str> {
        Some(match self {
            Self::Overloaded if wire == Wire::Anthropic => "Overloaded",
            Self::Overloaded => "Our servers are currently overloaded. Please try again later.",
            Self::InsufficientQuota if wire == Wire::Anthropic => {
                "You have reached your organization's monthly spend limit."
            }
            Self::InsufficientQuota => "You exceeded your current quota, please check your plan and billing details.",
            Self::Billing => "There is a problem with your billing information.",
            _ => return None,
        })
    }
}

/// `2`, or `date+2` for an HTTP date that far from now.
fn retry_after(text: &str) -> String {
    let date = text.strip_prefix("date+").and_then(|seconds| seconds.parse().ok());
    date.map_or_else(|| text.to_owned(), |seconds| clock::http_date_in(Duration::from_secs(seconds)))
}
