//! What models cost, over HTTP.

use super::support::{assert_error, server};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn where_nothing_was_spent_the_answer_says_so() {
    let server = server().await;
    let (status, spend) = server.get("/v1/spend").await;
    assert_eq!((status, &spend["rows"][0]["calls"]), (StatusCode::OK, &json!(0)), "{spend}");
    let (status, spend) = server.get("/v1/spend?by=model&by=day&since=2020-01-01").await;
    assert_eq!((status, &spend["rows"]), (StatusCode::OK, &json!([])), "{spend}");
    let (status, budgets) = server.get("/v1/budgets").await;
    assert_eq!(status, StatusCode::OK, "{budgets}");
    assert_eq!(budgets["budgets"][0]["budget"], "the fleet, per day");
    assert_eq!((&budgets["budgets"][0]["most"], &budgets["budgets"][0]["spent"]), (&json!(1_000_000), &json!(0)));
    server.end().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = server().await;
    for (query, field) in [
        ("since=yesterday", "since"),
        ("since=2100-01-01", "since"),
        ("until=2020-01-01", "since"),
        ("by=week", "by"),
        ("days=7", "days"),
    ] {
        assert_error(&server.get(&format!("/v1/spend?{query}")).await, 400, "invalid_field", Some(field));
    }
    server.end().await;
}
