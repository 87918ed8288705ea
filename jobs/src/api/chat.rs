//! Chats: a message, and what its client is told of the answer.

use crate::{Busy, Fault, JobEvent, JobId, JobState, SessionId, kinds::ChatReply};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A message: the body of `POST /v1/chat` and `POST /v1/chat/stream`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatRequest {
    /// Where it is said. A new session where it is left out, or where there is none of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What the user says: 1 byte to 1 MiB.
    pub message: String,
    /// The client's own name for the message, 1 to 256 bytes: sent again it is the same message, with the same answer. The
    /// header `Idempotency-Key` says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Who says it, 1 to 256 bytes; `user` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whose session it is; `default` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// A model or route the user would like; the agent's own unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What becomes of messages that come while a turn of the session is unfinished, from this one on; `enqueue` in a
    /// new session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<Busy>,
    /// Seconds to wait for the answer, 0 to 300, and never longer than `http.timeout_ms` allows; 20 unless set. Not for
    /// streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
    /// Cancel the turn when this stream's client goes away before its end. For streams only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel_on_leave: bool,
    /// Kept with the message: any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub meta: Option<Box<RawValue>>,
}

/// How it stands with the answer to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatAnswer {
    /// Where the message was said.
    pub session: SessionId,
    /// Its number there.
    pub entry: u64,
    /// The job that was submitted with it.
    pub job: JobId,
    /// Whether it was on record before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// The job whose turn is cancelled for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupts: Option<JobId>,
    /// The job whose turn answers it, where that is not its own: it was taken up there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<JobId>,
    /// Of the job whose turn it is. The turn is over where it is a terminal one.
    pub state: JobState,
    /// The whole answer, where it is completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<ChatReply>,
    /// Why it is paused or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// Where the answer is streamed, also after its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
}

impl ChatAnswer {
    /// The job whose turn answers the message.
    pub fn turn(&self) -> JobId {
        self.joined.unwrap_or(self.job)
    }
}

/// An event of a chat's stream: news of the job whose turn it is, or of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(clippy::large_enum_variant, reason = "one is handled at a time")]
pub enum ChatEvent {
    /// `text`, `reset`, `progress`, `state`, `cut` and `output`.
    Job(JobEvent),
    /// The others.
    Chat(ChatNews),
}

/// News of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChatNews {
    /// It is on record: the first event of a stream.
    Posted(ChatAnswer),
    /// It is answered in another job's turn, whose events follow, from the first one on.
    Joined(ChatAnswer),
    /// The turn is completed: the whole answer, from the record.
    Answer(ChatAnswer),
    /// The turn is over, and was not completed.
    Error(ChatAnswer),
}

impl ChatEvent {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Job(event) => event.name(),
            Self::Chat(ChatNews::Posted(_)) => "posted",
            Self::Chat(ChatNews::Joined(_)) => "joined",
            Self::Chat(ChatNews::Answer(_)) => "answer",
            Self::Chat(ChatNews::Error(_)) => "error",
        }
    }

    /// Whether nothing follows but `[DONE]`.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Chat(ChatNews::Answer(_) | ChatNews::Error(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_of_both_sorts_are_told_apart_by_their_type() {
        let text = json!({ "type": "text", "seq": 3, "step": 1, "attempt": 2, "text": "a" });
        let event: ChatEvent = serde_json::from_value(text.clone()).unwrap();
        assert!(matches!(&event, ChatEvent::Job(JobEvent::Text { seq: 3, .. })), "{event:?}");
        assert_eq!(serde_json::to_value(&event).unwrap(), text);

        let (session, job) = (SessionId::new(), JobId::new());
        let answer = json!({ "type": "answer", "session": session, "entry": 1, "job": job, "state": "completed" });
        let event: ChatEvent = serde_json::from_value(answer.clone()).unwrap();
        assert!(event.is_last() && event.name() == "answer", "{event:?}");
        assert_eq!(serde_json::to_value(&event).unwrap(), answer);
    }
}
