//! Who is answered.

use super::support::{Server, answer, assert_error, server, server_with};
use reqwest::{Method, RequestBuilder, StatusCode};

const TOKEN: &str = "0123456789abcdef";

#[tokio::test]
async fn everything_but_live_and_ready_needs_the_token() {
    let mut server = server_with(Some(TOKEN), Vec::new()).await;
    assert_eq!(server.get("/v1/jobs").await.0, StatusCode::OK);
    for wrong in [None, Some("0123456789abcdeX")] {
        server.token = wrong.map(str::to_owned);
        for path in ["/v1/jobs", "/v1/queues", "/health", "/metrics", "/openapi.json", "/nope"] {
            assert_error(&server.get(path).await, 401, "unauthorized", None);
        }
        for path in ["/live", "/ready"] {
            assert_eq!(server.get(path).await.0, StatusCode::OK, "{path}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn without_a_token_pages_of_other_sites_are_refused() {
    let server = server().await;
    let ask = |server: &Server, name: &str, value: &str| -> RequestBuilder {
        server.request(Method::POST, "/v1/queues/default/pause").header(name, value)
    };
    for (name, value, field) in [
        ("host", "rebound.example", "host"),
        ("origin", "http://evil.example", "origin"),
        ("origin", "null", "origin"),
        ("sec-fetch-site", "cross-site", "origin"),
        ("sec-fetch-site", "same-site", "origin"),
    ] {
        assert_error(&answer(ask(&server, name, value)).await, 403, "forbidden_origin", Some(field));
    }
    let (status, _) = answer(ask(&server, "host", "localhost:1")).await;
    assert_eq!(status, StatusCode::OK);
    server.end().await;
}
