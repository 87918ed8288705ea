//! What a program says: its start and its end are kept, the rest is counted.

use std::collections::VecDeque;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes that are kept of the start, and of the end.
const KEPT: usize = 32 << 10;
/// Bytes after which a program is killed.
const MAX: u64 = 10 << 20;

/// It said more than anyone would read.
#[derive(Debug)]
pub(super) struct TooMuch;

pub(super) struct Output<R> {
    from: Option<R>,
    start: Vec<u8>,
    end: VecDeque<u8>,
    total: u64,
}

impl<R: AsyncRead + Unpin> Output<R> {
    pub fn of(from: Option<R>) -> Self {
        Self { from, start: Vec::new(), end: VecDeque::new(), total: 0 }
    }

    /// Reads to the end, or until there is too much.
    pub async fn read(&mut self) -> Result<(), TooMuch> {
        let Some(mut from) = self.from.take() else { return Ok(()) };
        let mut buffer = vec![0; 16 << 10];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return Ok(()),
                Ok(count) => self.keep(&buffer[..count]),
            }
            if self.total > MAX {
                return Err(TooMuch);
            }
        }
    }

    /// What is kept, with a line in between that says what is missing.
    pub fn text(self) -> Vec<u8> {
        let missing = self.total - (self.start.len() + self.end.len()) as u64;
        let mut text = self.start;
        if missing > 0 {
            text.extend_from_slice(format!("\n[… {missing} bytes left out]\n").as_bytes());
        }
        text.extend(self.end);
        text
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (start, rest) = bytes.split_at(bytes.len().min(KEPT - self.start.len()));
        self.start.extend_from_slice(start);
        self.end.extend(rest);
        let over = self.end.len().saturating_sub(KEPT);
        self.end.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn start_and_end_are_kept() {
        let long: Vec<u8> = (0..100_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
        let mut output = Output::of(Some(long.as_slice()));
        output.read().await.unwrap();
        let text = output.text();
        assert!(text.starts_with(&long[..KEPT]) && text.ends_with(&long[long.len() - KEPT..]));
        assert!(String::from_utf8(text).unwrap().contains("\n[… 34464 bytes left out]\n"));
        let mut output = Output::of(Some(tokio::io::repeat(b'x')));
        assert!(output.read().await.is_err(), "it does not go on for ever");
    }
}
