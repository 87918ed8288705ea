//! What agents do, as people see it: steps and transcripts, spans and metrics.

use crate::{fleet::Fleet, reviewing::World, support::finish, tracing::Collector};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value::Value as Attribute},
    trace::v1::{Span, span::SpanKind},
};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

/// Two findings are proposed by the scripted model, and looked at a second time: three calls.
const CALLS: usize = 3;
const SECRET: &str = "sk_live_9f8e7d6c5b4a3f2e1d0c9b8a";

fn attribute<'s>(span: &'s Span, key: &str) -> Option<&'s Attribute> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

fn text<'s>(span: &'s Span, key: &str) -> Option<&'s str> {
    match attribute(span, key)? {
        Attribute::StringValue(text) => Some(text),
        _ => None,
    }
}

fn number(span: &Span, key: &str) -> i64 {
    match attribute(span, key) {
        Some(Attribute::IntValue(number)) => *number,
        other => panic!("{key} of {} is {other:?}", span.name),
    }
}

/// Runs the command as a client of a server.
fn client(fleet: &Fleet, server: &str, args: &[&str]) -> String {
    let mut command = fleet.home.command(args);
    command.env("FLOTILLA_SERVER__URL", server);
    finish(command).exits(0).stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_did_and_said_is_shown_on_both() {
    for fleet in [Fleet::file(), Fleet::remote()] {
        let world = World::new(fleet, json!({})).await;
        let (run, server) = world.fleet.start(&["run"]);
        let id = world.submit(&server).await;
        world.fleet.until_job(&server, &id, "completed").await;

        // From the store, and from a server; pages make no difference.
        let home = &world.fleet.home;
        let shown = home.run(&["show", &id]).exits(0).stdout;
        assert_eq!(client(&world.fleet, &server, &["show", &id]).lines().count(), shown.lines().count());
        for part in [
            "run        0 code-review",
            "model     review",
            "model     verify",
            "decision  plan",
            "3 calls of models;",
            "; $0.0",
        ] {
            assert!(shown.contains(part), "{part} is not in\n{shown}");
        }
        let job = home.run(&["show", &id, "--json"]).exits(0).json();
        assert_eq!((job["state"].as_str(), &job["totals"]["calls"]), (Some("completed"), &json!(CALLS)), "{job}");
        assert_eq!(job["totals"]["cost"], world.provider.ledger().cost, "{job}");
        let (mut steps, mut query) = (Vec::new(), "limit=2".to_owned());
        loop {
            let url = format!("{server}/v1/jobs/{id}/steps?{query}");
            let page: Value = world.fleet.get(&url).await.error_for_status().unwrap().json().await.unwrap();
            steps.extend(page["steps"].as_array().unwrap().clone());
            let Some(next) = page["next"].as_str() else { break };
            query = format!("limit=2&after={next}");
        }
        assert_eq!(json!(steps), job["steps"]);

        let said = home.run(&["show", &id, "--transcript"]).exits(0).stdout;
        for part in ["system  ", "user  ", "model scripted", "answer().unwrap();", "\"verdict\":"] {
            assert!(said.contains(part), "{part} is not in\n{said}");
        }
        let lines = home.run(&["show", &id, "--transcript", "--json"]).exits(0).stdout;
        assert_eq!(client(&world.fleet, &server, &["show", &id, "--transcript", "--json"]), lines);
        let roles: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["role"].clone()).collect();
        assert_eq!(roles, ["system", "user", "assistant"].repeat(CALLS));
        assert_eq!(run.stop(), 0);
    }
}

/// Commits files on `main`, below the change.
fn commit_below(tree: &Path, files: &[(&str, &str)]) {
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]).args(args);
        let output = git.current_dir(tree).env("HOME", tree.parent().unwrap()).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["checkout", "-q", "main"]);
    for (name, text) in files {
        std::fs::write(tree.join(name), text).unwrap();
        git(&["add", name]);
    }
    git(&["commit", "-q", "-m", "below"]);
    git(&["checkout", "-q", "change"]);
    git(&["rebase", "-q", "main"]);
}

// The collector answers while the test waits for the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_looks_at_the_repository_and_all_of_it_is_in_the_trace() {
    let finding = json!({ "findings": [{
        "path": "lib.rs", "existing_code": "    42", "start_line": 2, "end_line": 2, "severity": "high",
        "category": "correctness", "title": "the key is not used", "body": "It is in config.js.", "confidence": 90,
        "suggestion": null,
    }] });
    let look = [
        json!({ "name": "read_file", "arguments": { "path": "config.js" } }),
        json!({ "name": "read_file", "arguments": { "path": "../flotilla.toml" } }),
    ];
    let script = json!({ "rules": [
        { "when": { "schema": "review_findings", "tool_results": 0 }, "then": { "tools": look } },
        { "when": { "schema": "review_findings", "tool_results": 2 }, "then": { "json": finding } },
        { "when": { "schema": "verify_finding" },
          "then": { "json": { "verdict": "keep", "confidence": 80, "reason": "it stands" } } },
    ] });
    let (world, collector) = (World::new(Fleet::file(), script).await, Collector::start().await);
    let fleet = &world.fleet;
    fleet.open_gate();
    let tree = fleet.home.path().join("repository");
    let settings = "[review.model]\nroute = \"careful\"\n";
    let config = format!("const KEY = \"{SECRET}\";\nconst ANSWER = 42;\n");
    commit_below(&tree, &[(".flotilla.toml", settings), ("config.js", &config)]);
    world.configure(
        "[models.other]\nprovider = \"dev\"\ncontext = 100000\nmax_output = 4000\n\
         price = { input = \"1.00\", output = \"5.00\" }\n[routes.careful]\nmodels = [\"other\"]\n",
    );

    let (run, server) = fleet.start_with(&["run"], &[("TELEMETRY__TRACES_URL", collector.url.clone())]);
    let source = json!({ "type": "work_tree", "path": tree });
    let job = json!({ "kind": "code-review", "payload": { "source": source } });
    let id = fleet.submit(&server, &[job]).await.remove(0);
    let job = fleet.until_job(&server, &id, "completed").await;
    let review = &job["output"];
    assert_eq!(review["agent"]["models"], json!(["other"]), "the team's route is taken: {job}");
    let found = review["findings"].as_array().unwrap();
    assert!(found.iter().any(|finding| finding["title"] == "the key is not used"), "{job}");

    // What the tools said is in the second call: the file without its secret, and that nothing else can be read.
    let calls = world.provider.calls();
    assert_eq!(calls.len(), CALLS, "{job}");
    let second = calls[1].body.to_string();
    assert!(second.contains("const ANSWER = 42;") && second.contains("is_error"), "{second}");
    assert!(calls.iter().all(|call| !call.body.to_string().contains(&SECRET[8..])), "a secret left the machine");
    let said = fleet.home.run(&["show", &id, "--transcript"]).exits(0).stdout;
    assert!(said.contains("calls read_file") && said.contains("tool failed: read_file"), "{said}");

    let metrics = fleet.get(&format!("{server}/metrics")).await.text().await.unwrap();
    for line in [
        r#"flotilla_tool_calls_total{status="ok",tool="read_file"} 1"#,
        r#"flotilla_tool_calls_total{status="failed",tool="read_file"} 1"#,
        r#"flotilla_agent_runs_total{agent="code-review",outcome="done"} 1"#,
        &format!(r#"flotilla_budget_microusd{{period="day",state="spent"}} {}"#, review["agent"]["cost"]),
        r#"flotilla_budget_microusd{period="total",state="held"} 0"#,
        r#"flotilla_provider_breaker_open{provider="dev"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }

    // What is left is sent before the process ends.
    assert_eq!(run.stop(), 0);
    let (job, agent) = (collector.span("job code-review"), collector.span("invoke_agent code-review"));
    assert_eq!(agent.parent_span_id, job.span_id);
    assert_eq!(
        (text(&agent, "gen_ai.operation.name"), number(&agent, "flotilla.run.steps")),
        (Some("invoke_agent"), 5)
    );
    let chats = collector.spans("chat other");
    assert_eq!(chats.len(), CALLS);
    for chat in &chats {
        assert_eq!((&chat.parent_span_id, chat.kind), (&agent.span_id, SpanKind::Client as i32));
        assert_eq!(
            (text(chat, "gen_ai.operation.name"), text(chat, "gen_ai.provider.name")),
            (Some("chat"), Some("anthropic"))
        );
        assert!(number(chat, "gen_ai.usage.input_tokens") > 0 && number(chat, "gen_ai.usage.output_tokens") > 0);
        assert!(text(chat, "gen_ai.response.model").is_some());
        let Some(Attribute::ArrayValue(reasons)) = attribute(chat, "gen_ai.response.finish_reasons") else {
            panic!("{chat:?}")
        };
        let reason = |value: &AnyValue| matches!(&value.value, Some(Attribute::StringValue(why)) if why == "stop" || why == "tool_call");
        assert!(reasons.values.len() == 1 && reasons.values.iter().all(reason), "{chat:?}");
    }
    let tools = collector.spans("execute_tool read_file");
    assert_eq!(tools.len(), 2);
    assert!(tools.iter().all(|tool| tool.parent_span_id == agent.span_id));
    let failed = tools.iter().filter(|tool| text(tool, "error.type") == Some("tool_failed")).count();
    assert_eq!(failed, 1);
    // Nothing that was said is in any span.
    for span in collector.spans("") {
        let shown = format!("{:?}", span.attributes);
        assert!(!shown.contains("ANSWER") && !shown.contains("gen_ai.input.messages"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_only_talks_is_asked_once_more_and_rules_stand_alone() {
    // On this wire the answer is a call of a tool, and with other tools beside it the model is told to call any.
    let script = json!({ "rules": [{ "when": {}, "then": { "text": "I am done; all is well." } }] });
    let world = World::new(Fleet::file(), script).await;
    world.fleet.open_gate();
    let tree = world.fleet.home.path().join("repository");
    commit_below(&tree, &[(".flotilla.toml", "[review.model]\nroute = \"nowhere\"\n")]);
    let (run, server) = world.fleet.start(&["run"]);
    let source = json!({ "type": "work_tree", "path": tree });
    let job = json!({ "kind": "code-review", "payload": { "source": source } });
    let id = world.fleet.submit(&server, &[job]).await.remove(0);
    let job = world.fleet.until_job(&server, &id, "completed").await;
    let calls = world.provider.calls();
    assert_eq!(calls.len(), 2, "{job}");
    assert!(calls.iter().all(|call| call.body["tool_choice"]["type"] == "any"), "{:?}", calls[0].body);
    let notes = job["output"]["notes"].to_string();
    assert!(notes.contains("asked twice and gave no answer of use"), "{job}");
    // The team's route is not one of the operator's: that is said, and the agent's own is taken.
    assert!(notes.contains("`nowhere`, which review.model.route"), "{job}");
    assert_eq!(run.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_in_spans_only_where_a_setting_wants_them() {
    let (world, collector) = (World::new(Fleet::file(), json!({})).await, Collector::start().await);
    let settings = [("TELEMETRY__TRACES_URL", collector.url.clone()), ("TELEMETRY__PROMPTS", "true".to_owned())];
    let (run, server) = world.fleet.start_with(&["run"], &settings);
    let id = world.submit(&server).await;
    world.fleet.until_job(&server, &id, "completed").await;
    assert_eq!(run.stop(), 0);
    let chats = collector.spans("chat scripted");
    assert_eq!(chats.len(), CALLS);
    for chat in &chats {
        let json = |key| serde_json::from_str::<Value>(text(chat, key).unwrap()).unwrap();
        assert_eq!(json("gen_ai.input.messages")[0]["role"], "user");
        assert_eq!(json("gen_ai.output.messages")[0]["parts"][0]["type"], "text");
        assert_eq!(json("gen_ai.system_instructions")[0]["type"], "text");
    }
}
