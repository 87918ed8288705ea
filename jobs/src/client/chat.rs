//! Chats with a server: a message, and its answer as it grows.

use super::{
    Client, Error,
    events::{MAX_ANSWER, Reader},
};
use crate::{
    JobId,
    api::{ChatAnswer, ChatEvent, ChatRequest},
};
use reqwest::{Method, Response, StatusCode};

/// Ends a stream whose answer was told.
const DONE: &str = "[DONE]";

/// The events of an answer, in order.
#[derive(Debug)]
pub struct ChatEvents {
    reader: Reader,
    last: Option<String>,
    done: bool,
}

impl ChatEvents {
    fn new(response: Response, last: Option<String>) -> Self {
        // The end was seen before.
        let done = response.status() == StatusCode::NO_CONTENT;
        Self { reader: Reader::new(response, MAX_ANSWER), last, done }
    }

    /// The next one; `None` when the stream has ended: after the answer, or because it broke off; see
    /// [`ChatEvents::is_done`].
    pub async fn next(&mut self) -> Result<Option<ChatEvent>, Error> {
        if self.done {
            return Ok(None);
        }
        let Some(event) = self.reader.next().await? else { return Ok(None) };
        if event.data == DONE {
            self.done = true;
            return Ok(None);
        }
        let read = serde_json::from_str(&event.data).map_err(|e| Error::Unreadable(e.to_string()))?;
        if let Some(id) = event.id {
            self.last = Some(id);
        }
        Ok(Some(read))
    }

    /// Whether all of it was told.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The id of the last event: where to go on.
    pub fn last_id(&self) -> Option<&str> {
        self.last.as_deref()
    }
}

impl Client {
    /// Posts a message and waits for the answer, `wait` seconds at most: the turn is over where its state is a terminal
    /// one. With a `client_id` it may be repeated.
    pub async fn chat(&self, message: &ChatRequest) -> Result<ChatAnswer, Error> {
        self.call(Method::POST, "v1/chat", &[], Some(message)).await
    }

    /// Posts a message and follows its answer. With a `client_id` it may be repeated; `last` is the id of the last event
    /// that was seen then.
    pub async fn chat_stream(&self, message: &ChatRequest, last: Option<&str>) -> Result<ChatEvents, Error> {
        let mut request = self.http.post(self.url("v1/chat/stream", &[])?).json(message);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Ok(ChatEvents::new(self.send(request).await?, last.map(str::to_owned)))
    }

    /// Follows the answer to the message that was posted with this job, from after the event of this id.
    pub async fn chat_events(&self, job: JobId, last: Option<&str>) -> Result<ChatEvents, Error> {
        let mut request = self.http.get(self.url("v1/chat/stream", &[("job", job.to_string())])?);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Ok(ChatEvents::new(self.send(request).await?, last.map(str::to_owned)))
    }
}
