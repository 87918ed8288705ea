//! What models propose, and what is left of it.

use super::*;
use crate::review::agent::sample::{material_of, new_file, pieces};
use proptest::prelude::*;
use serde_json::json;

const KEY: &str = "sk_live_9f8e7d6c5b4a3f2e1d0c9b8a";

fn material() -> Material {
    let key = format!("let key = \"{KEY}\";");
    material_of(&new_file("src/a.rs", &["fn f() {", "    let x = list.first().unwrap();", &key, "}"]))
}

fn finding(changes: &Value) -> Value {
    let mut finding = json!({
        "path": "src/a.rs", "existing_code": "    let x = list.first().unwrap();", "start_line": 2, "end_line": 2,
        "severity": "high", "category": "correctness", "title": "an empty list panics", "body": "Handle it.",
        "confidence": 80, "suggestion": null,
    });
    for (key, value) in changes.as_object().unwrap() {
        finding[key] = value.clone();
    }
    finding
}

fn read_one(changes: &Value) -> Option<Finding> {
    let material = material();
    let (kept, proposed) = read(&material, &pieces(&material), &json!({ "findings": [finding(changes)] }));
    assert_eq!(proposed, 1);
    kept.into_iter().next().map(|proposal| proposal.finding)
}

#[test]
fn a_sound_finding_stands() {
    let found = read_one(&json!({})).unwrap();
    assert_eq!((found.path.as_str(), found.start_line, found.end_line), ("src/a.rs", 2, 2));
    assert_eq!((found.rule.as_str(), found.source, found.confidence), ("model/correctness", FoundBy::Model, Some(80)));
    assert_eq!(found.excerpt, "    let x = list.first().unwrap();");
}

#[test]
fn what_breaks_the_format_or_names_what_is_not_there_is_dropped() {
    for changes in [
        json!({ "path": "/etc/passwd" }),
        json!({ "path": "src/b.rs" }),
        json!({ "path": "../src/a.rs" }),
        json!({ "path": null }),
        json!({ "severity": "blocker" }),
        json!({ "severity": "HIGH" }),
        json!({ "category": "style" }),
        json!({ "title": " \n " }),
        json!({ "existing_code": "not there at all", "start_line": 90, "end_line": 95 }),
        json!({ "existing_code": "", "start_line": -3, "end_line": 0 }),
    ] {
        assert_eq!(read_one(&changes), None, "{changes}");
    }
}

#[test]
fn texts_are_clipped_and_hidden_characters_shown() {
    let found = read_one(&json!({
        "title": format!("two\nlines \u{202e}{}", "x".repeat(200)),
        "body": format!("a\u{200b}b\n\u{1b}[31m{}", "y".repeat(9_000)),
        "confidence": 900,
    }))
    .unwrap();
    assert_eq!(found.title.chars().count(), 80);
    assert!(found.title.starts_with("two lines \\u{202e}xxx"), "{}", found.title);
    assert!(found.body.starts_with("a\\u{200b}b\n\\u{1b}[31my") && found.body.chars().count() == 2_000);
    assert_eq!(found.confidence, Some(100));
    for (said, meant) in [(json!(0.8), Some(80)), (json!(1), Some(1)), (json!("x"), None), (json!(-4), Some(0))] {
        assert_eq!(read_one(&json!({ "confidence": said })).unwrap().confidence, meant, "{said}");
    }
}

#[test]
fn no_text_of_a_finding_carries_a_secret() {
    let found = read_one(&json!({
        "existing_code": "let key = \"sk_l…\";", "start_line": 3, "end_line": 3,
        "title": format!("{KEY} is known"), "body": format!("use {KEY}"), "suggestion": format!("let key = \"{KEY}\"; //"),
    }))
    .unwrap();
    assert_eq!(found.start_line, 3);
    assert!(!serde_json::to_string(&found).unwrap().contains("9f8e7d6c"), "{found:?}");
    assert_eq!(found.suggestion, None);
}

#[test]
fn a_suggestion_stays_only_where_it_can_be_taken_as_it_is() {
    let with =
        |text: &str, quote: &str| read_one(&json!({ "suggestion": text, "existing_code": quote })).unwrap().suggestion;
    let line = "    let x = list.first().unwrap();";
    let good = "    let Some(x) = list.first() else { return };";
    assert_eq!(with(good, line).as_deref(), Some(good));
    assert_eq!(with(&format!("{good}\n"), line).as_deref(), Some(good));
    for bad in [
        "let Some(x) = list.first() else { return };",
        "    // ...\n    let x = 1;",
        "    ...",
        line,
        "",
        "    1\n    2\n    3\n    4\n    5\n    6",
        "    let x\u{200b} = 1;",
    ] {
        assert_eq!(with(bad, line), None, "{bad:?}");
    }
    assert_eq!(with(good, "let x = list.first().unwrap();"), None, "quoted otherwise than it is");
    assert_eq!(with(good, "list.first()"), None, "only a part of the line");
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_leave_the_change(
        path in prop_oneof![Just("src/a.rs".to_owned()), any::<String>()],
        code in prop_oneof![Just("}".to_owned()), any::<String>()],
        start: i64, end: i64, title: String, body: String, suggestion: Option<String>, confidence: f64,
    ) {
        let material = material();
        let answer = json!({ "findings": [
            finding(&json!({
                "path": path, "existing_code": code, "start_line": start, "end_line": end, "title": title, "body": body,
                "suggestion": suggestion, "confidence": confidence,
            })),
            title, { "path": path }, [], null,
        ]});
        let (kept, proposed) = read(&material, &pieces(&material), &answer);
        prop_assert_eq!(proposed, 5);
        for Proposal { finding, .. } in kept {
            prop_assert_eq!(&finding.path, "src/a.rs");
            prop_assert!((1..=4).contains(&finding.start_line) && (finding.start_line..=4).contains(&finding.end_line));
            prop_assert!(!finding.title.is_empty() && finding.title.chars().count() <= 80);
            prop_assert!(!finding.title.contains(|c: char| c.is_control()));
        }
    }
}
