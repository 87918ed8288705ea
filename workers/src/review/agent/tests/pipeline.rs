//! What is asked, what comes of the answers, and what is on record.

use crate::review::agent::{
    Added, Material, Room, Unanswered, review,
    sample::{Script, material_of, new_file},
};
use crate::review::settings::Settings;
use flotilla_jobs::{
    Fault,
    kinds::{Category, Finding, FoundBy, Severity},
};
use serde_json::{Value, json};
use std::sync::Mutex;

const BUG: &str = "    let x = list.first().unwrap();";

fn change() -> Vec<u8> {
    new_file("src/a.rs", &["fn f() {", BUG, "    other();", "}"])
}

fn finding(line: u32, code: &str, title: &str) -> Value {
    json!({
        "path": "src/a.rs", "existing_code": code, "start_line": line, "end_line": line, "severity": "high",
        "category": "correctness", "title": title, "body": "b", "confidence": 60, "suggestion": null,
    })
}

fn keep(confidence: u32) -> Value {
    json!({ "verdict": "keep", "confidence": confidence, "reason": "r" })
}

async fn run<F>(
    mind: &Script<F>,
    material: &Material,
    settings: &Settings,
    ruled: &[Finding],
) -> Result<Added, &'static str>
where
    F: Fn(u32, &str, &Value) -> Result<Value, Unanswered<&'static str>> + Sync,
{
    review(mind, material, settings, ruled, Room::USUAL, &|_, _, _| ()).await
}

fn settings(text: &str) -> Settings {
    let mut notes = Vec::new();
    let settings = Settings::parse(text.as_bytes(), &mut notes);
    assert_eq!(notes, [""; 0]);
    settings
}

#[tokio::test]
async fn a_planted_bug_is_found_at_its_line_and_the_rest_is_counted() {
    let material = material_of(&change());
    let mind = Script::new(|_, part, vars| match part {
        "review" => Ok(json!({ "findings": [
            finding(70, BUG, "an empty list panics"),
            finding(2, BUG, "an empty list panics here"),
            finding(2, "not there", "elsewhere").as_object().map(|f| {
                let mut f = f.clone();
                f.insert("path".into(), json!("src/b.rs"));
                Value::from(f)
            }),
            finding(3, "    other();", "made up"),
        ]})),
        _ if vars["claim"].as_str().unwrap().contains("made up") => Ok(json!({ "verdict": "discard" })),
        _ => Ok(keep(90)),
    });
    let added = run(&mind, &material, &Settings::default(), &[]).await.unwrap();
    let [found] = &added.findings[..] else { panic!("{:?}", added.findings) };
    assert_eq!((found.start_line, found.source, found.confidence), (2, FoundBy::Model, Some(90)));
    assert_eq!(found.fingerprint.len(), 32);
    let work = added.work;
    assert_eq!((work.batches, work.proposed, work.dropped, work.discarded, work.duplicates), (1, 4, 1, 1, 1));
    assert_eq!(mind.threads(), [1, 1_000, 1_001, 1_002]);
}

#[tokio::test]
async fn a_review_that_goes_on_asks_nothing_again() {
    let material = material_of(&change());
    let mind = Script::new(|_, part, _| match part {
        "review" => Ok(json!({ "findings": [finding(2, BUG, "t")] })),
        _ => Ok(keep(70)),
    });
    let first = run(&mind, &material, &Settings::default(), &[]).await.unwrap();
    let asked = mind.threads().len();
    let again = run(&mind, &material, &Settings::default(), &[]).await.unwrap();
    assert_eq!((again.findings, mind.threads().len()), (first.findings, asked));
    let record = mind.record.lock().unwrap();
    let steps: Vec<&str> = record.keys().map(String::as_str).collect();
    assert_eq!(steps, ["dedupe", "plan", "review 1", "validate", "verify 1000"]);
}

#[tokio::test]
async fn a_rule_wins_and_a_person_and_the_team_decide() {
    let lines = ["fn f() {", BUG, "    a(); // flotilla: ignore[model/*]", "    b();", "    c();", "}"];
    let material = material_of(&new_file("src/a.rs", &lines));
    let mind = Script::new(|_, part, _| {
        let mut findings = vec![finding(2, BUG, "same as a rule"), finding(3, "    a();", "accepted")];
        findings.extend([finding(4, "    b();", "mild"), finding(5, "    c();", "stays")]);
        findings[2]["severity"] = json!("low");
        Ok(if part == "review" { json!({ "findings": findings }) } else { keep(50) })
    });
    let rule = Finding {
        path: "src/a.rs".into(),
        start_line: 2,
        end_line: 2,
        category: Category::Correctness,
        ..crate::review::sample::finding("danger/unwrap")
    };
    let settings =
        settings("[review.model]\nmin_severity = \"medium\"\n[review.severity]\n\"model/*\" = \"critical\"\n");
    let added = run(&mind, &material, &settings, &[rule]).await.unwrap();
    let titles: Vec<_> = added.findings.iter().map(|f| (f.title.as_str(), f.severity)).collect();
    // The team's word on a severity goes before the model's, so `mild` is none.
    assert_eq!(titles, [("mild", Severity::Critical), ("stays", Severity::Critical)]);
    assert_eq!((added.suppressed, added.work.duplicates, added.work.proposed), (1, 1, 4));
}

#[tokio::test]
async fn no_more_are_shown_than_the_team_wants_the_worst_of_them() {
    let lines: Vec<String> = (0..30).map(|n| format!("call_{n}();")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let material = material_of(&new_file("src/a.rs", &lines));
    let mind = Script::new(|_, part, _| {
        let findings = (0..30_u32).map(|n| {
            let mut one = finding(n + 1, &format!("call_{n}();"), &format!("number {n} of many"));
            one["severity"] = json!(if n == 17 { "critical" } else { "medium" });
            one
        });
        Ok(if part == "review" { json!({ "findings": findings.collect::<Vec<_>>() }) } else { keep(50) })
    });
    let added = run(&mind, &material, &settings("[review.model]\nmax_findings = 3\n"), &[]).await.unwrap();
    assert_eq!(added.findings.len(), 3);
    assert_eq!((added.findings[0].severity, added.findings[0].start_line), (Severity::Critical, 18));
    assert_eq!(added.work.over_limit, 27);
}

fn many_batches() -> (Material, Room) {
    let line = "x".repeat(100);
    let files: Vec<Vec<u8>> = (0..9).map(|n| new_file(&format!("src/{n}.rs"), &[line.as_str(); 100])).collect();
    (material_of(&files.concat()), Room { tokens: 3_000, batches: 24 })
}

#[tokio::test]
async fn a_batch_without_an_answer_is_named_and_the_others_count() {
    let (material, room) = many_batches();
    let mind = Script::new(|thread, _, _| match thread {
        2 => Err(Unanswered::Failed(Fault::new("bad_answer", "the answer is no JSON"))),
        _ => Ok(json!({ "findings": [] })),
    });
    let added = review(&mind, &material, &Settings::default(), &[], room, &|_, _, _| ()).await.unwrap();
    assert_eq!(added.work.left_out.len(), 1, "{:?}", added.work.left_out);
    let path = &added.work.left_out[0].path;
    assert_eq!(added.notes, [format!("no model reviewed `{path}`; rules did: the answer is no JSON")]);
    assert_eq!(mind.threads().len(), added.work.batches as usize);
}

#[tokio::test]
async fn a_provider_that_refuses_for_good_is_not_asked_again_and_again() {
    let (material, room) = many_batches();
    let mind = Script::new(|_, _, _| Err(Unanswered::Failed(Fault::new("denied", "the key is wrong"))));
    let added = review(&mind, &material, &Settings::default(), &[], room, &|_, _, _| ()).await.unwrap();
    assert!(mind.threads().len() <= 4, "{:?}", mind.threads());
    assert_eq!(added.work.left_out.len(), 9);
    assert!(added.notes.iter().all(|note| note.ends_with("the key is wrong")), "{:?}", added.notes);
}

#[tokio::test]
async fn where_one_ends_everything_those_that_are_open_are_heard_out() {
    let (material, room) = many_batches();
    let mind = Script::new(|thread, _, _| match thread {
        1 => Err(Unanswered::Halted("no money")),
        _ => Ok(json!({ "findings": [] })),
    });
    let halt = review(&mind, &material, &Settings::default(), &[], room, &|_, _, _| ()).await.unwrap_err();
    assert_eq!(halt, "no money");
    let asked = mind.threads();
    assert!((2..=4).contains(&asked.len()), "{asked:?}");
    let record = mind.record.lock().unwrap();
    assert_eq!(record.len(), 1 + asked.len() - 1, "the plan, and every answer that was paid for: {record:?}");
}

#[tokio::test]
async fn progress_is_told_as_it_goes() {
    let (material, room) = many_batches();
    let said = Mutex::new(Vec::new());
    let mind = Script::new(|_, _, _| Ok(json!({ "findings": [] })));
    let say = |done: u64, total: u64, what: &str| said.lock().unwrap().push((done, total, what.to_owned()));
    let added = review(&mind, &material, &Settings::default(), &[], room, &say).await.unwrap();
    let said = said.into_inner().unwrap();
    assert_eq!(said.len(), added.work.batches as usize + 1);
    assert_eq!(said[0].2, format!("asking a model: 1 of {} batches", added.work.batches));
}
