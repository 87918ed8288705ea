//! Clients that take their time, and many of them: each has a limit with a name.

use crate::{
    socket::{Target, answer, connect, get, submit},
    support::SOON,
};
use std::{
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

/// Sends a byte now and then until the server has enough.
fn trickle(stream: &mut TcpStream, bytes: &[u8]) {
    let start = Instant::now();
    for byte in bytes.iter().cycle() {
        assert!(start.elapsed() < SOON, "the server listens for ever");
        // The first write after the end may still go out; the next one fails.
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn heads_and_bodies_that_trickle_are_cut_off() {
    let target = Target::new(&["http.header_timeout_ms=300", "http.body_timeout_ms=300"]);
    let address = target.address;
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(move || {
                let mut head = connect(address);
                head.write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\nx-slow: ").unwrap();
                trickle(&mut head, b"x");
            });
            scope.spawn(move || {
                let mut body = connect(address);
                let request = submit(&vec![b' '; 1_000_000]);
                body.write_all(&request[..300]).unwrap();
                let reader = body.try_clone().unwrap();
                let told = thread::spawn(|| answer(reader));
                trickle(&mut body, b" ");
                let told = told.join().unwrap();
                assert_eq!(told.status, 408, "{told:?}");
                assert!(told.text.contains("body_timeout") && told.text.contains("http.body_timeout_ms"), "{told:?}");
            });
        }
        for _ in 0..10 {
            target.assert_well();
            thread::sleep(Duration::from_millis(50));
        }
    });
    target.end();
}

#[test]
fn connections_beyond_the_limit_are_told_so() {
    let target = Target::new(&["http.max_connections=20", "http.header_timeout_ms=60000"]);
    let address = target.address;
    let idle: Vec<TcpStream> = (0..20).map(|_| connect(address)).collect();
    // The last of them is accepted when the next one is.
    let refused = target.send(&get(b"/ready"));
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.text.contains("http.max_connections") && refused.text.contains("retry-after"), "{refused:?}");
    drop(idle);
    let start = Instant::now();
    while target.send(&get(b"/ready")).status != 200 {
        assert!(start.elapsed() < SOON, "closed connections still count");
        thread::sleep(Duration::from_millis(10));
    }
    target.end();
}

#[test]
fn idle_connections_take_little_and_are_closed() {
    const MANY: usize = 400;
    let target = Target::new(&["http.header_timeout_ms=500"]);
    target.assert_well();
    let address = target.address;
    let before = target.serve.memory_mib();
    let idle: Vec<TcpStream> = (0..MANY).map(|_| connect(address)).collect();
    target.assert_well();
    let grown = target.serve.memory_mib().saturating_sub(before);
    assert!(grown <= 32, "{MANY} idle connections take {grown} MiB");
    for stream in idle {
        assert_eq!(answer(stream).status, 0, "closed without a word");
    }
    // Some are open again when it is told to stop: they do not hold it up.
    let _open: Vec<TcpStream> = (0..20).map(|_| connect(address)).collect();
    target.end();
}
