//! A review that a model adds to: what it is shown of a repository, and who has the last word.

use crate::repo::Repo;
use async_trait::async_trait;
use flotilla_jobs::kinds::{FoundBy, Review, Severity};
use flotilla_workers::review::{Mind, Prepared, Roots, Unanswered, Watch, prepare};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::sync::Mutex;

/// Reports each line that holds `BUG`, and remembers what it was shown.
#[derive(Default)]
struct Reader {
    shown: Mutex<String>,
}

#[async_trait]
impl Mind for Reader {
    type Halt = String;

    async fn decide<T, I>(&self, _: &str, _: &I, make: impl FnOnce() -> T + Send) -> Result<T, String>
    where
        T: Serialize + DeserializeOwned + Send,
        I: Serialize + Sync,
    {
        Ok(make())
    }

    async fn ask(&self, _: u32, part: &str, vars: &Value) -> Result<Value, Unanswered<String>> {
        self.shown.lock().unwrap().push_str(&vars.to_string());
        if part == "verify" {
            return Ok(json!({ "verdict": "keep", "confidence": 70, "reason": "" }));
        }
        let mut path = String::new();
        let mut findings = Vec::new();
        for line in vars["change"].as_str().unwrap_or_default().lines() {
            if let Some(name) = line.strip_prefix("## File: '") {
                name.trim_end_matches('\'').clone_into(&mut path);
            } else if let Some((number, code)) = line.split_once(" + ").filter(|(_, code)| code.contains("BUG")) {
                findings.push(json!({
                    "path": path, "existing_code": code, "start_line": number.parse::<u32>().unwrap() + 7, "end_line": 0,
                    "severity": "low", "category": "testing", "title": "a bug", "body": "It says so.",
                    "confidence": 50, "suggestion": null,
                }));
            }
        }
        Ok(json!({ "findings": findings }))
    }
}

async fn prepared(repo: &Repo) -> Prepared {
    prepare(&repo.source(), &Roots::Anywhere.into(), &Watch::default(), true).await.unwrap()
}

async fn reviewed(prepared: Prepared) -> (Review, String) {
    let mind = Reader::default();
    let added = prepared.ask(&mind, &Watch::default()).await.unwrap();
    (prepared.with(added), mind.shown.into_inner().unwrap())
}

fn lines(from: u32, to: u32) -> String {
    (from..=to).map(|n| format!("    line {n};\n")).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_model_adds_to_what_rules_found() {
    let repo = Repo::new();
    repo.commit("a.js", format!("function f() {{\n{}}}\n", lines(1, 30)));
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    let text = format!("function f() {{\n{}    // BUG one\n    eval(x);\n{}}}\n", lines(1, 8), lines(9, 30));
    repo.commit("a.js", text);
    let rules_alone = repo.review().await;
    let (review, shown) = reviewed(prepared(&repo).await).await;
    let (models, rules): (Vec<_>, Vec<_>) =
        review.findings.iter().cloned().partition(|found| found.source == FoundBy::Model);
    assert_eq!(rules, rules_alone.findings);
    let [found] = &models[..] else { panic!("{models:?}") };
    assert_eq!((found.path.as_str(), found.start_line, found.confidence), ("a.js", 10, Some(70)));
    assert!(review.findings.is_sorted_by_key(|found| std::cmp::Reverse(found.severity)));
    // The function around it begins above what git shows.
    assert!(shown.contains("__new hunk__\\n1   function f() {\\n2       line 1;"), "{shown}");
    let work = review.agent.unwrap();
    assert_eq!((work.batches, work.proposed), (1, 1));
}

#[tokio::test]
async fn the_team_decides_at_the_base_and_the_change_does_not() {
    let repo = Repo::new();
    repo.commit(
        ".flotilla.toml",
        "[review.model]\nroute = \"careful\"\nbudget = \"0.25\"\n[review.model.instructions]\n\"*.js\" = \"Look for BUGs.\"\n\
         [review.severity]\n\"model/testing\" = \"high\"\n",
    );
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.commit(".flotilla.toml", "[review]\nmodel = false\n");
    repo.commit("a.js", "// BUG\n");
    let prepared = prepared(&repo).await;
    let wishes = prepared.wishes().unwrap();
    assert_eq!((wishes.route.as_deref(), wishes.budget.map(|usd| usd.0)), (Some("careful"), Some(250_000)));
    let (review, shown) = reviewed(prepared).await;
    assert!(shown.contains("Look for BUGs."));
    let found = review.findings.iter().find(|found| found.source == FoundBy::Model).unwrap();
    assert_eq!((found.severity, found.start_line), (Severity::High, 1));
}

#[tokio::test]
async fn a_team_that_wants_no_model_or_a_change_without_lines_asks_none() {
    let repo = Repo::new();
    repo.commit(".flotilla.toml", "[review]\nmodel = false\n");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.commit("a.js", "// BUG\n");
    assert_eq!(prepared(&repo).await.wishes(), None);
    let repo = Repo::on_branch();
    repo.git(&["mv", "README", "READ"]);
    repo.git(&["commit", "--quiet", "-m", "moved"]);
    assert_eq!(prepared(&repo).await.wishes(), None);
}

#[tokio::test]
async fn a_moved_file_is_shown_with_both_names_and_its_function() {
    let repo = Repo::new();
    repo.commit("old.js", format!("function f() {{\n{}}}\n", lines(1, 30)));
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.git(&["mv", "old.js", "new.js"]);
    repo.commit("new.js", format!("function f() {{\n{}    // BUG\n{}}}\n", lines(1, 6), lines(7, 30)));
    let (review, shown) = reviewed(prepared(&repo).await).await;
    assert!(shown.contains("## File: 'new.js'\\nMoved from: 'old.js'\\n"), "{shown}");
    assert!(shown.contains("\\n1   function f() {"), "{shown}");
    assert!(review.findings.iter().any(|found| found.path == "new.js" && found.start_line == 8));
}
