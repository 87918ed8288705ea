//! Reads server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use super::Error;
use crate::JobEvent;
use reqwest::Response;

/// Longest event, in bytes: output comes in pieces of 64 KiB, which JSON makes six times as long at worst.
const MAX_EVENT: usize = 1024 * 1024;
/// The same for answers of chats, which come whole: 4 MiB at most, of text that seldom needs an escape.
pub(super) const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// News of a job, in order.
#[derive(Debug)]
pub struct Events {
    reader: Reader,
}

impl Events {
    pub(super) fn new(response: Response) -> Self {
        Self { reader: Reader::new(response, MAX_EVENT) }
    }

    /// The next one; `None` when the server has ended the stream: after the terminal state, or because it shuts down.
    pub async fn next(&mut self) -> Result<Option<JobEvent>, Error> {
        let Some(event) = self.reader.next().await? else { return Ok(None) };
        serde_json::from_str(&event.data).map(Some).map_err(|e| Error::Unreadable(e.to_string()))
    }
}

/// An event as it was sent. Its name is in its data too.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) id: Option<String>,
    pub(super) data: String,
}

/// Reads an answer event by event.
#[derive(Debug)]
pub(super) struct Reader {
    response: Response,
    most: usize,
    lines: Lines,
}

impl Reader {
    /// Of events that are at most so long.
    pub(super) fn new(response: Response, most: usize) -> Self {
        Self { response, most, lines: Lines::default() }
    }

    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Sent>, Error> {
        loop {
            if let Some(event) = self.lines.event() {
                return Ok(Some(event));
            }
            match self.response.chunk().await.map_err(Error::unreachable)? {
                Some(bytes) => self.lines.push(&bytes, self.most)?,
                None => return Ok(None),
            }
        }
    }
}

/// Bytes that have come and the event they are part of.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    event: Sent,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], most: usize) -> Result<(), Error> {
        if self.bytes.len() + self.event.data.len() + bytes.len() > 2 * most {
            return Err(Error::Unreadable(format!("an event is longer than {most} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole event.
    fn event(&mut self) -> Option<Sent> {
        let mut read = 0;
        let mut whole = None;
        while let Some(length) = self.bytes[read..].iter().position(|b| *b == b'\n') {
            let line = String::from_utf8_lossy(&self.bytes[read..read + length]);
            let line = line.trim_end_matches('\r');
            read += length + 1;
            if let Some(text) = line.strip_prefix("data:") {
                let data = &mut self.event.data;
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(text.strip_prefix(' ').unwrap_or(text));
            } else if let Some(id) = line.strip_prefix("id:") {
                self.event.id = Some(id.trim_start().to_owned());
            } else if line.is_empty() && !self.event.data.is_empty() {
                whole = Some(std::mem::take(&mut self.event));
                break;
            }
        }
        self.bytes.drain(..read);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_any_pieces() {
        let stream = ": hi\n\nevent: output\nid: 1\ndata: {\"a\":1}\n\ndata: b\r\ndata: c\r\n\r\n";
        for size in 1..stream.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                lines.push(piece, MAX_EVENT).unwrap();
                found.extend(std::iter::from_fn(|| lines.event()));
            }
            let sent = |id: Option<&str>, data: &str| Sent { id: id.map(str::to_owned), data: data.to_owned() };
            assert_eq!(found, [sent(Some("1"), "{\"a\":1}"), sent(None, "b\nc")], "in pieces of {size}");
        }
    }
}
