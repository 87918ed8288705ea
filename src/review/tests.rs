//! What people and code scanning services get to see.

use super::*;
use flotilla_jobs::{
    MicroUsd, Usage,
    kinds::{AgentWork, Category, Finding, FoundBy, SkippedFile},
};
use serde_json::{Value, json};

fn review() -> Review {
    let finding = Finding {
        rule: "danger/js-eval".to_owned(),
        source: FoundBy::Rule,
        path: "src/a b\u{1b}[2J.js".to_owned(),
        start_line: 3,
        end_line: 4,
        severity: Severity::High,
        category: Category::Security,
        title: "eval runs whatever it is given".to_owned(),
        body: "Parse it instead.".to_owned(),
        suggestion: Some(String::new()),
        excerpt: "eval(x)\n\u{202e}eval(y)".to_owned(),
        fingerprint: "00ff".to_owned(),
        confidence: None,
    };
    let whole = Finding {
        start_line: 0,
        end_line: 0,
        severity: Severity::Low,
        suggestion: None,
        path: "big.bin".to_owned(),
        ..finding.clone()
    };
    Review {
        findings: vec![finding, whole],
        skipped: vec![SkippedFile { path: "vendor/x.js".to_owned(), reason: "vendored".to_owned() }],
        suppressed: 1,
        notes: vec!["a note".to_owned()],
        ..Review::default()
    }
}

fn rendered(format: Format) -> String {
    let mut out = Vec::new();
    render(&review(), format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn people_see_places_lines_and_a_sum() {
    let text = anstream::adapter::strip_str(&rendered(Format::People)).to_string();
    for part in [
        "high eval runs whatever it is given  danger/js-eval",
        "    3 | eval(x)",
        "fix: remove the line",
        "  --> big.bin\n",
        "left out: vendor/x.js (vendored)",
        "note: a note",
        "2 findings in 0 files: 1 high, 1 low; 1 accepted earlier; 1 file left out",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn text_of_the_change_cannot_steer_a_terminal() {
    let text = rendered(Format::People);
    assert!(text.contains(r"src/a b\u{1b}[2J.js:3-4") && text.contains(r"\u{202e}eval(y)"), "{text}");
    assert!(!text.contains("\u{1b}[2J") && !text.contains('\u{202e}'));
}

#[test]
fn code_scanning_finds_rule_place_and_fix() {
    let log: Value = serde_json::from_str(&rendered(Format::Sarif)).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    assert_eq!((&log["version"], &result["level"]), (&json!("2.1.0"), &json!("error")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/a%20b%1B%5B2J.js");
    assert_eq!((&place["region"]["startLine"], &place["region"]["endLine"]), (&json!(3), &json!(4)));
    let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["deletedRegion"]["endLine"], 5);
    assert_eq!(run["results"][1]["locations"][0]["physicalLocation"].get("region"), None);
}

#[test]
fn severities_from_the_mildest_that_counts_fail() {
    assert_eq!(exit_code(&review(), Severity::High), 1);
    assert_eq!(exit_code(&review(), Severity::Critical), 0);
    assert_eq!(exit_code(&Review::default(), Severity::Info), 0);
}

#[test]
fn people_see_what_a_model_did_and_what_it_cost() {
    let mut review = review();
    review.findings[0].confidence = Some(80);
    review.agent = Some(AgentWork {
        models: vec!["small".to_owned()],
        steps: 3,
        batches: 1,
        usage: Usage { input: 1_200, output: 34, ..Usage::default() },
        cost: Some(MicroUsd(12_300)),
        duration_ms: 4_260,
        proposed: 2,
        discarded: 1,
        left_out: vec![SkippedFile { path: "big.rs".to_owned(), reason: "no room".to_owned() }],
        ..AgentWork::default()
    });
    let shown = |review: &Review| {
        let mut out = Vec::new();
        render(review, Format::People, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    };
    let text = shown(&review);
    for part in [
        "danger/js-eval, 80 % sure\n",
        "not shown to a model: big.rs (no room)\n",
        "model: small; 3 steps, 1 batch; 1200 tokens in, 34 out; $0.0123; 4.3 s; 2 findings proposed \
         (1 discarded by a second look)\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let work = review.agent.as_mut().unwrap();
    (work.estimated, work.unknown) = (1, 2);
    assert!(shown(&review).contains("; at most $0.0123 and 2 calls of unknown cost; "), "{}", shown(&review));
    review.agent.as_mut().unwrap().cost = None;
    assert!(shown(&review).contains("; cost unknown; "));
}
