//! Requests that are wrong, huge or many: each gets a clear 4xx, the server goes on, and its memory stays flat.

use crate::socket::{Target, get, send, submit};
use std::thread;

/// What memory may grow by, whatever is sent.
const GROWTH_MIB: u64 = 48;

#[test]
fn every_wrong_request_gets_a_clear_4xx() {
    let target = Target::new(&[]);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    let body = |text: &str| submit(text.as_bytes());
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("a number for a text", body(r#"{"kind": 1, "payload": {}}"#), 400, "invalid_field"),
        ("a text for a number", body(r#"{"kind": "x", "payload": {}, "options": {"priority": "1"}}"#), 400, "priority"),
        ("a list for an object", body(r#"{"kind": "x", "payload": {}, "options": 5}"#), 400, "invalid_field"),
        (
            "a number that is none of ours",
            body(r#"{"kind":"x","payload":{},"options":{"timeout_ms":-1}}"#),
            400,
            "timeout_ms",
        ),
        ("nothing", body(""), 400, "invalid_json"),
        ("no json", body("kind=x"), 400, "invalid_json"),
        ("a text that is not utf-8", submit(b"{\"kind\":\"\xff\xfe\",\"payload\":{}}"), 400, "invalid_json"),
        ("an input that is not utf-8", submit(b"{\"kind\":\"x\",\"payload\":\"\xc3\x28\"}"), 400, "invalid_json"),
        ("half a surrogate", body(r#"{"kind":"\ud800","payload":{}}"#), 400, "invalid_json"),
        ("a deep list", body(&deep), 400, "error"),
        ("deep objects", body(&objects), 400, "error"),
        ("deep options", body(&format!(r#"{{"kind":"x","payload":{{}},"options":{deep}}}"#)), 400, "error"),
        ("a deep input", body(&format!(r#"{{"kind":"code-review","payload":{deep}}}"#)), 400, "levels deep"),
        ("a deep input of nobody", body(&format!(r#"{{"kind":"x","payload":{objects}}}"#)), 400, "levels deep"),
        ("an id that is not utf-8", get(b"/v1/jobs/%ff"), 400, "invalid_field"),
        ("a parameter that is not utf-8", get(b"/v1/jobs?state=%ff"), 400, "invalid_field"),
        ("a queue that is not utf-8", [b"PUT", &get(b"/v1/queues/%ff")[3..]].concat(), 400, "invalid_field"),
        (
            "a parameter of a wrong type",
            [b"POST", &get(b"/v1/jobs/cancel?all=maybe")[3..]].concat(),
            400,
            "invalid_field",
        ),
        ("a path that is no text", get(b"/v1/\xff"), 400, ""),
        ("no http", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400, ""),
        ("a header that is none", b"GET / HTTP/1.1\r\nhost localhost\r\n\r\n".to_vec(), 400, ""),
        (
            "two lengths",
            b"POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_vec(),
            400,
            "",
        ),
        (
            "a length that is none",
            b"POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n{}".to_vec(),
            400,
            "",
        ),
        ("a piece of no size", chunked(b"xyz\r\n"), 400, "broke off"),
        ("200 headers", flood(200, 10), 431, ""),
        ("a large header", flood(1, 100_000), 431, ""),
        ("many large headers", flood(90, 100_000), 431, ""),
        ("a long path", get(&[b"/".as_slice(), &[b'x'; 100_000]].concat()), 431, ""),
        ("no such path", get(b"/nothing"), 404, "route_not_found"),
        ("a wrong method", [b"PATCH", &get(b"/v1/jobs")[3..]].concat(), 405, "method_not_allowed"),
        (
            "no type",
            b"POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}".to_vec(),
            415,
            "unsupported_media_type",
        ),
    ];
    let before = target.serve.memory_mib();
    for (what, request, status, text) in cases {
        let answer = target.send(&request);
        let start: String = answer.text.chars().take(600).collect();
        assert_eq!(answer.status, status, "{what}: {start}");
        assert!(answer.text.contains(text), "{what}: {start}");
    }
    let grown = target.serve.memory_mib().saturating_sub(before);
    assert!(grown <= GROWTH_MIB, "{grown} MiB");
    target.end();
}

/// A submit whose body comes in pieces; these are the bytes of the pieces.
fn chunked(pieces: &[u8]) -> Vec<u8> {
    let head = b"POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n";
    [&head[..], pieces].concat()
}

fn flood(headers: usize, size: usize) -> Vec<u8> {
    let flood: Vec<String> = (0..headers).map(|n| format!("x-{n}: {}", "y".repeat(size))).collect();
    format!("GET /live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}\r\n\r\n", flood.join("\r\n")).into_bytes()
}

#[test]
fn bodies_of_100_mb_are_refused_and_take_no_memory() {
    const MIB: usize = 1024 * 1024;
    let target = Target::new(&["http.max_body_bytes=1048576", "http.max_bodies_bytes=4194304"]);
    target.assert_well();
    let before = target.serve.memory_mib();
    let announced = submit(&vec![b' '; 100 * MIB]);
    let piece = [format!("{MIB:x}\r\n").as_bytes(), &vec![b' '; MIB], b"\r\n"].concat();
    let unannounced = chunked(&[piece.repeat(100).as_slice(), b"0\r\n\r\n"].concat());
    thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|n| {
                let request = if n % 2 == 0 { &announced } else { &unannounced };
                let address = target.address;
                scope.spawn(move || send(address, request))
            })
            .collect();
        for (n, sender) in senders.into_iter().enumerate() {
            let answer = sender.join().unwrap();
            // Bodies without a length may meet the limit of all bodies first.
            let expected = if n % 2 == 0 { &[413][..] } else { &[413, 503] };
            assert!(expected.contains(&answer.status), "{n}: {answer:?}");
        }
    });
    let grown = target.serve.memory_mib().saturating_sub(before);
    assert!(grown <= GROWTH_MIB, "{grown} MiB");
    assert_eq!(
        target.send(&submit(&[b"{\"kind\":\"x\",\"payload\":\"", &vec![b'y'; MIB / 2][..], b"\"}"].concat())).status,
        400
    );
    target.end();
}
