//! A review as a SARIF log (OASIS, "Static Analysis Results Interchange Format" 2.1.0), as code scanning services read it.

use flotilla_jobs::kinds::{Category, Finding, Review, Severity};
use flotilla_workers::review::rules::{RuleInfo, catalog};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

/// What a relative reference may not hold as it is (RFC 3986, 3.3), but for the slashes of a path.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

/// The log of one run.
pub fn log(review: &Review) -> Value {
    let rules: Vec<&RuleInfo> = catalog().collect();
    let results: Vec<Value> = review.findings.iter().map(|finding| result(finding, &rules)).collect();
    let notes = review.notes.iter().cloned();
    let skipped = review.skipped.iter().map(|file| format!("left out: {} ({})", file.path, file.reason));
    let notifications: Vec<Value> =
        notes.chain(skipped).map(|text| json!({ "level": "note", "message": { "text": text } })).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "flotilla",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|info| rule(info)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
            "results": results,
            "properties": review.agent.as_ref().map_or_else(|| json!({}), |work| json!({ "agent": work })),
        }],
    })
}

fn rule(info: &RuleInfo) -> Value {
    let mut properties = json!({ "tags": [info.category], "problem.severity": level(info.severity) });
    if info.category == Category::Security {
        properties["security-severity"] = json!(security_severity(info.severity));
    }
    json!({
        "id": info.id,
        "shortDescription": { "text": info.title },
        "fullDescription": { "text": info.why },
        "defaultConfiguration": { "level": level(info.severity) },
        "properties": properties,
    })
}

fn result(finding: &Finding, rules: &[&RuleInfo]) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": format!("{}\n{}", finding.title, finding.body) },
        "partialFingerprints": { "flotilla/v1": finding.fingerprint },
        "properties": { "severity": finding.severity, "category": finding.category, "source": finding.source },
    });
    if let Some(confidence) = finding.confidence {
        // Code scanning services read a rank from 0 to 100.
        result["rank"] = json!(confidence);
    }
    if let Some(index) = rules.iter().position(|info| info.id == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    // A finding about the change as a whole has no place.
    if !finding.path.is_empty() {
        result["locations"] = json!([{ "physicalLocation": place(finding) }]);
    }
    if let Some(suggestion) = &finding.suggestion {
        result["fixes"] = json!([fix(finding, suggestion)]);
    }
    result
}

fn place(finding: &Finding) -> Value {
    let mut place = json!({ "artifactLocation": artifact(finding) });
    if finding.start_line > 0 {
        place["region"] = json!({ "startLine": finding.start_line, "endLine": finding.end_line });
        place["region"]["snippet"] = json!({ "text": finding.excerpt });
    }
    place
}

fn artifact(finding: &Finding) -> Value {
    json!({ "uri": utf8_percent_encode(&finding.path, PATH).to_string(), "uriBaseId": "%SRCROOT%" })
}

fn fix(finding: &Finding, suggestion: &str) -> Value {
    // Whole lines with their ends, so that an empty suggestion leaves no empty line.
    let region =
        json!({ "startLine": finding.start_line, "startColumn": 1, "endLine": finding.end_line + 1, "endColumn": 1 });
    let text = if suggestion.is_empty() { String::new() } else { format!("{suggestion}\n") };
    json!({
        "description": { "text": "replace the lines" },
        "artifactChanges": [{
            "artifactLocation": artifact(finding),
            "replacements": [{ "deletedRegion": region, "insertedContent": { "text": text } }],
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The score from 0 to 10 by which GitHub's code scanning sorts security findings, a text there.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}
