//! A server that is a program: what it says is bounded before anyone looks at it.

use super::{
    super::sandbox::{Keeper, Served},
    MESSAGES,
    trouble::Trouble,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::unix::pipe::Sender,
    process::ChildStdout,
};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Starts it.
pub(super) async fn start(
    keeper: &Keeper,
    command: &[String],
    environment: &BTreeMap<String, SecretString>,
    max_bytes: usize,
) -> Result<(Served, Sender, Bounded<ChildStdout>), Trouble> {
    let mut all = vec![("PATH".to_owned(), PATH.to_owned())];
    all.retain(|(name, _)| !environment.contains_key(name));
    all.extend(environment.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())));
    let started = Served::start(keeper, command.to_vec(), all).await;
    let (served, input, output) = started.map_err(|error| Trouble::Start(error.to_string()))?;
    Ok((served, input, Bounded { inner: output, line: 0, most: max_bytes, left: (max_bytes * MESSAGES) as u64 }))
}

/// Lines, none of them longer than this, and not too much of them.
pub(super) struct Bounded<R> {
    inner: R,
    line: usize,
    most: usize,
    left: u64,
}

impl<R: AsyncRead + Unpin> AsyncRead for Bounded<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        let mut longest = self.line;
        for (at, piece) in fresh.split(|byte| *byte == b'\n').enumerate() {
            self.line = if at == 0 { self.line + piece.len() } else { piece.len() };
            longest = longest.max(self.line);
        }
        self.left = self.left.saturating_sub(fresh.len() as u64);
        if longest > self.most || self.left == 0 {
            // A read that fails has read nothing.
            buf.set_filled(before);
            return Poll::Ready(Err(io::Error::other("the server says more than it may")));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    async fn read(text: &[u8], most: usize, left: u64) -> io::Result<usize> {
        let mut said = Vec::new();
        Bounded { inner: text, line: 0, most, left }.read_to_end(&mut said).await
    }

    #[tokio::test]
    async fn lines_and_all_of_them_are_bounded() {
        assert_eq!(read(b"abc\nabc\n", 3, 100).await.unwrap(), 8);
        read(b"ab\nabcd", 3, 100).await.unwrap_err();
        read(b"a\na\na\n", 3, 5).await.unwrap_err();
        let endless = Bounded { inner: tokio::io::repeat(b'x'), line: 0, most: 1 << 16, left: 1 << 20 };
        endless.take(1 << 30).read_to_end(&mut Vec::new()).await.unwrap_err();
    }
}
