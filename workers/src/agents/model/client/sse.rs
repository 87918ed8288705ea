//! Server-sent events out of bytes, of which nothing is certain.

use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, stream};
use std::fmt;

/// Most bytes of one event, with all its lines.
pub const MAX_EVENT: usize = 4 * 1024 * 1024;
/// The parser looks at a line from its start with each piece that comes, and moves all it holds after each line. So it gets
/// whole lines, and not many at once.
const PIECE: usize = 4 * 1024;
/// A mark at the start of a text, which says nothing; the parser would stumble over it.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Why no more events come.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken<E> {
    /// An event of more than [`MAX_EVENT`] bytes.
    TooLarge,
    /// Bytes that are no text, or no events.
    NoText,
    #[allow(missing_docs)]
    Transport(E),
}

impl<E> fmt::Display for Broken<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "an event of more than {MAX_EVENT} bytes"),
            Self::NoText => f.write_str("a stream that is not of events"),
            Self::Transport(_) => f.write_str("a stream that broke off in the middle"),
        }
    }
}

/// The events of a body whose first bytes are `head`. An event that the end cuts off before its blank line counts.
pub fn events<E>(
    head: &[u8],
    body: impl Stream<Item = Result<Vec<u8>, E>>,
) -> impl Stream<Item = Result<Event, Broken<E>>> {
    let head = head.strip_prefix(BOM).unwrap_or(head).to_vec();
    let mut lines = Lines::default();
    // A blank line before all keeps the parser from looking for a mark itself.
    let start = stream::iter([Some(Ok(b"\n".to_vec())), Some(Ok(head))]);
    let bytes = start.chain(body.map(Some)).chain(stream::iter([None]));
    let pieces = bytes.flat_map(move |chunk| {
        stream::iter(match chunk {
            Some(Ok(chunk)) => lines.add(&chunk),
            Some(Err(error)) => vec![Err(Broken::Transport(error))],
            None => lines.end(),
        })
    });
    pieces.eventsource().map(|event| {
        event.map_err(|error| match error {
            EventStreamError::Transport(broken) => broken,
            EventStreamError::Utf8(_) | EventStreamError::Parser(_) => Broken::NoText,
        })
    })
}

/// Puts bytes together to whole lines, and counts them since the last blank one.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
    event: usize,
    in_line: bool,
    after_return: bool,
}

impl Lines {
    fn add<E>(&mut self, chunk: &[u8]) -> Vec<Result<Vec<u8>, Broken<E>>> {
        if !self.fits(chunk) {
            return vec![Err(Broken::TooLarge)];
        }
        let before = self.begun.len();
        self.begun.extend(chunk);
        let Some(last) = chunk.iter().rposition(|byte| is_end(*byte)) else { return Vec::new() };
        let begun = self.begun.split_off(before + last + 1);
        pieces(&std::mem::replace(&mut self.begun, begun))
    }

    /// What is there when no more comes, and a blank line, so that it counts.
    fn end<E>(&mut self) -> Vec<Result<Vec<u8>, Broken<E>>> {
        let mut rest = std::mem::take(&mut self.begun);
        rest.extend(b"\n\n");
        vec![Ok(rest)]
    }

    fn fits(&mut self, chunk: &[u8]) -> bool {
        for byte in chunk {
            self.event += 1;
            match byte {
                // The second half of one line's end.
                b'\n' if self.after_return => {}
                b'\n' | b'\r' if !self.in_line => self.event = 0,
                b'\n' | b'\r' => self.in_line = false,
                _ => self.in_line = true,
            }
            self.after_return = *byte == b'\r';
            if self.event > MAX_EVENT {
                return false;
            }
        }
        true
    }
}

/// Whole lines in pieces of at most [`PIECE`] bytes; a longer line is one by itself.
fn pieces<E>(lines: &[u8]) -> Vec<Result<Vec<u8>, Broken<E>>> {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for line in lines.split_inclusive(|byte| is_end(*byte)) {
        match pieces.last_mut().filter(|piece| piece.len() + line.len() <= PIECE) {
            Some(piece) => piece.extend(line),
            None => pieces.push(line.to_vec()),
        }
    }
    pieces.into_iter().map(Ok).collect()
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(chunks: Vec<Vec<u8>>) -> Vec<Result<String, Broken<()>>> {
        let body = stream::iter(chunks.into_iter().map(Ok::<_, ()>));
        let mut events = std::pin::pin!(events(&[], body));
        let mut got = Vec::new();
        while let Some(event) = events.next().await {
            got.push(event.map(|event| format!("{}:{}", event.event, event.data)));
            if got.last().is_some_and(Result::is_err) {
                break;
            }
        }
        got
    }

    #[tokio::test]
    async fn events_are_read_however_they_come() {
        let text =
            "\u{feff}: hello\r\n\r\nevent: a\r\ndata: 1\r\ndata: 2\r\n\r\n\n\ndata: ü\n\nid: 3\nretry: 1\n\ndata: last";
        let expected = ["a:1\n2", "message:ü", "message:last"].map(|text| Ok(text.to_owned()));
        let head = events(text.as_bytes(), stream::iter(Vec::<Result<Vec<u8>, ()>>::new()));
        let got: Vec<_> = head.map(|e| e.map(|e| format!("{}:{}", e.event, e.data))).collect().await;
        assert_eq!(got, expected);

        let without_mark = &text.as_bytes()[3..];
        for size in 1..without_mark.len() {
            assert_eq!(all(without_mark.chunks(size).map(<[u8]>::to_vec).collect()).await, expected, "by {size}");
        }
    }

    #[tokio::test]
    async fn an_event_has_a_limit() {
        let mut chunks = vec![b"data: 1\n\ndata: ".to_vec()];
        chunks.extend(std::iter::repeat_n(vec![b'x'; 64 * 1024], MAX_EVENT / (64 * 1024) + 1));
        assert_eq!(all(chunks).await, [Ok("message:1".to_owned()), Err(Broken::TooLarge)]);
        // Also where its lines are short, and end in two characters.
        let lines = [b"data: 1\r\n\r\n".to_vec(), b"data: 1\r\n".repeat(MAX_EVENT / 9 + 1)];
        assert_eq!(all(lines.to_vec()).await, [Ok("message:1".to_owned()), Err(Broken::TooLarge)]);
        // Any number of them may come.
        let many = b"data: 123456\n\n".repeat(MAX_EVENT / 12);
        assert_eq!(all(many.chunks(100_000).map(<[u8]>::to_vec).collect()).await.len(), MAX_EVENT / 12);
    }

    #[tokio::test]
    async fn what_is_no_text_is_refused() {
        assert_eq!(all(vec![b"data: \xff\xfe\n\n".to_vec()]).await[0], Err(Broken::NoText));
    }
}
