//! Requests byte by byte, as no client would send them.

use crate::support::{Home, SOON, Service};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// A server to be rude to.
pub struct Target {
    pub serve: Service,
    pub address: SocketAddr,
    _home: Home,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// 0 where the connection was closed without one.
    pub status: u16,
    pub text: String,
}

impl Target {
    /// A server with these settings, each `KEY=VALUE`.
    pub fn new(settings: &[&str]) -> Self {
        let home = Home::new();
        let mut args = vec!["serve", "--listen", "127.0.0.1:0", "--set", "http.linger_ms=0"];
        args.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        let mut serve = home.start(&args);
        let address = serve.url().trim_start_matches("http://").parse().unwrap();
        Self { serve, address, _home: home }
    }

    /// Sends these bytes on a connection of their own.
    pub fn send(&self, request: &[u8]) -> Answer {
        send(self.address, request)
    }

    /// Whether it still answers as if nothing had happened.
    pub fn assert_well(&self) {
        assert_eq!(self.send(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").status, 200);
    }

    /// Ends it; it must end well and must not have panicked or failed.
    pub fn end(mut self) {
        self.assert_well();
        let log = self.serve.logged();
        assert!(!log.contains("panic") && !log.contains("\"status\":500"), "{log}");
        assert_eq!(self.serve.stop(), 0);
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    stream
}

/// Sends these bytes on a connection of their own.
pub fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(address);
    // The server may have heard enough before all is sent.
    let _ = stream.write_all(request);
    answer(stream)
}

/// Reads all that the server says until it closes the connection.
pub fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "nothing happens: {error}");
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0);
    Answer { status, text }
}

/// A submit with this body.
pub fn submit(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A request without a body.
pub fn get(path: &[u8]) -> Vec<u8> {
    [b"GET ", path, b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"].concat()
}
