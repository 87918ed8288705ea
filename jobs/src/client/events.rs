//! Reads server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use super::Error;
use crate::JobEvent;
use reqwest::Response;

/// Longest event, in bytes: output comes in pieces of 64 KiB, which JSON makes six times as long at worst.
const MAX_EVENT: usize = 1024 * 1024;

/// News of a job, in order.
#[derive(Debug)]
pub struct Events {
    response: Response,
    lines: Lines,
}

impl Events {
    pub(super) fn new(response: Response) -> Self {
        Self { response, lines: Lines::default() }
    }

    /// The next one; `None` when the server has ended the stream: after the terminal state, or because it shuts down.
    pub async fn next(&mut self) -> Result<Option<JobEvent>, Error> {
        loop {
            if let Some(data) = self.lines.event() {
                return serde_json::from_str(&data).map(Some).map_err(|e| Error::Unreadable(e.to_string()));
            }
            match self.response.chunk().await.map_err(Error::unreachable)? {
                Some(bytes) => self.lines.push(&bytes)?,
                None => return Ok(None),
            }
        }
    }
}

/// Bytes that have come and the event they are part of.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    data: String,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.bytes.len() + self.data.len() + bytes.len() > 2 * MAX_EVENT {
            return Err(Error::Unreadable(format!("an event is longer than {MAX_EVENT} bytes")));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The data of the next whole event. Its name and number are in the data too.
    fn event(&mut self) -> Option<String> {
        let mut read = 0;
        let mut whole = None;
        while let Some(length) = self.bytes[read..].iter().position(|b| *b == b'\n') {
            let line = String::from_utf8_lossy(&self.bytes[read..read + length]);
            let line = line.trim_end_matches('\r');
            read += length + 1;
            if let Some(text) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(text.strip_prefix(' ').unwrap_or(text));
            } else if line.is_empty() && !self.data.is_empty() {
                whole = Some(std::mem::take(&mut self.data));
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
                lines.push(piece).unwrap();
                found.extend(std::iter::from_fn(|| lines.event()));
            }
            assert_eq!(found, ["{\"a\":1}", "b\nc"], "in pieces of {size}");
        }
    }
}
