//! The three formats: how a request is written, and how what comes back is read.
//!
//! Reading is lenient: every field may be missing or of another type, and what is not known is passed over. What must be
//! there is an end: a stream that stops before it says so was cut.

mod anthropic;
mod chat;
mod lenient;
mod responses;
mod said;
mod schema;
#[cfg(test)]
mod tests;

use super::{Event, Model, Provider, Reply, Request, Shape, Wire, refusal::Complaint};
use flotilla_jobs::Usage;
pub(super) use lenient::text;
use reqwest::Url;
pub(super) use said::MAX_REPLY;
use said::Said;
use serde_json::Value;

/// Where a request goes.
pub(super) fn url(wire: Wire, base: &Url) -> Url {
    let versioned = base.path().trim_end_matches('/').ends_with("/v1");
    let path: &[&str] = match wire {
        Wire::OpenaiChat => &["chat", "completions"],
        Wire::OpenaiResponses => &["responses"],
        Wire::Anthropic if versioned => &["messages"],
        Wire::Anthropic => &["v1", "messages"],
    };
    below(base, path)
}

/// Where models are listed.
pub(super) fn models_url(wire: Wire, base: &Url) -> Url {
    let versioned = base.path().trim_end_matches('/').ends_with("/v1");
    below(base, if wire == Wire::Anthropic && !versioned { &["v1", "models"] } else { &["models"] })
}

fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // An address of HTTP can always have a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// What is sent.
pub(super) fn body(provider: &Provider, model: &Model, request: &Request) -> Value {
    match provider.wire {
        Wire::OpenaiChat => chat::request(provider, model, request),
        Wire::OpenaiResponses => responses::request(model, request),
        Wire::Anthropic => anthropic::request(model, request),
    }
}

/// Where events go as they are read.
pub(super) type Sink<'a> = &'a mut (dyn FnMut(Event) + Send);

/// Reads one answer.
#[derive(Debug)]
pub(super) struct Reader {
    format: Format,
    said: Said,
}

#[derive(Debug)]
enum Format {
    Chat(chat::Reader),
    Responses(responses::Reader),
    Anthropic(anthropic::Reader),
}

impl Reader {
    /// `answer` is the shape that was asked for.
    pub(super) fn new(wire: Wire, answer: Option<&Shape>) -> Self {
        let format = match wire {
            Wire::OpenaiChat => Format::Chat(chat::Reader::default()),
            Wire::OpenaiResponses => Format::Responses(responses::Reader::default()),
            Wire::Anthropic => Format::Anthropic(anthropic::Reader::new(answer)),
        };
        Self { format, said: Said::default() }
    }

    /// Takes in one event of a stream; whether it was the last.
    pub(super) fn event(&mut self, name: &str, data: &str, sink: Sink<'_>) -> Result<bool, Complaint> {
        let data = data.trim();
        if data.is_empty() {
            return Ok(false);
        }
        if data == "[DONE]" {
            return match &mut self.format {
                Format::Chat(reader) => reader.done(&mut self.said),
                // Some servers add it; it says nothing there.
                Format::Responses(_) | Format::Anthropic(_) => Ok(false),
            };
        }
        let event: Value = serde_json::from_str(data).map_err(|_| Complaint::cut("an event that is not JSON"))?;
        if name == "error" || lenient::text(&event, "object") == Some("error") {
            return Err(Complaint::in_stream(&event));
        }
        match &mut self.format {
            Format::Chat(reader) => reader.chunk(&event, &mut self.said, sink),
            Format::Responses(reader) => reader.event(name, &event, &mut self.said, sink),
            Format::Anthropic(reader) => reader.event(name, &event, &mut self.said, sink),
        }
    }

    /// Takes in an answer that came at once.
    pub(super) fn whole(&mut self, body: &[u8], sink: Sink<'_>) -> Result<(), Complaint> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Complaint::cut("an answer that is not JSON"))?;
        match &mut self.format {
            Format::Chat(reader) => reader.whole(&body, &mut self.said, sink),
            Format::Responses(reader) => reader.whole(&body, &mut self.said, sink),
            Format::Anthropic(reader) => reader.whole(&body, &mut self.said, sink),
        }
    }

    /// Whether all was said; what was used may still follow.
    pub(super) fn ended(&self) -> bool {
        match &self.format {
            Format::Chat(reader) => reader.ended(),
            Format::Responses(reader) => reader.ended(),
            Format::Anthropic(reader) => reader.ended(),
        }
    }

    /// Whether it has begun to answer.
    pub(super) fn begun(&self) -> bool {
        self.said.begun()
    }

    /// What was counted so far.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.said.usage
    }

    /// The provider's name for the call, if it was said.
    pub(super) fn id(&self) -> Option<&str> {
        self.said.id.as_deref()
    }

    /// The answer, if all of it is there.
    pub(super) fn end(&mut self) -> Result<Reply, Complaint> {
        if !self.ended() {
            return Err(Complaint::cut("a stream that ended in the middle"));
        }
        let wire = match self.format {
            Format::Chat(_) => Wire::OpenaiChat,
            Format::Responses(_) => Wire::OpenaiResponses,
            Format::Anthropic(_) => Wire::Anthropic,
        };
        Ok(std::mem::take(&mut self.said).reply(wire))
    }
}
