//! What of a settings file is used, and what is noted.

use super::*;
use crate::review::sample;

fn settings(text: &str) -> (Settings, Vec<String>) {
    let mut notes = Vec::new();
    (Settings::parse(text.as_bytes(), &mut notes), notes)
}

fn finding(rule: &str, path: &str) -> Finding {
    Finding { path: path.into(), ..sample::finding(rule) }
}

#[test]
fn everything_that_can_be_set_is_used() {
    let (settings, notes) = settings(
        r#"
        [review]
        ignore = ["docs/**", "*.snap", "fixtures/", "old", "/src/a/legacy"]
        disable = ["todo/*", "debug/print"]
        [review.severity]
        "secret/*" = "critical"
        "secret/entropy" = "low"
        [[review.suppress]]
        rule = "danger/*"
        path = "tools/**"
        reason = "run by hand"
        "#,
    );
    assert_eq!(notes, [""; 0]);
    assert!(settings.ignores("docs/a/b.md") && settings.ignores("x/y.snap") && settings.ignores("a/fixtures/b/c"));
    assert!(settings.ignores("old/b/c") && settings.ignores("a/old") && settings.ignores("src/a/legacy/x.rs"));
    assert!(!settings.ignores("src/docs.rs") && !settings.ignores("x/src/a/legacy") && !settings.ignores("older"));
    assert!(
        settings.disables("todo/no-reference") && settings.disables("debug/print") && !settings.disables("debug/x")
    );
    assert_eq!(settings.severity("secret/aws"), Some(Severity::Critical));
    assert_eq!(settings.severity("secret/entropy"), Some(Severity::Low));
    assert_eq!(settings.severity("other/x"), None);
    assert!(settings.suppresses(&finding("danger/eval", "tools/a/b.py")));
    assert!(!settings.suppresses(&finding("danger/eval", "src/b.py")));
}

#[test]
fn a_team_says_what_it_wants_of_a_model() {
    let (said, notes) = settings(
        r#"
        [review.model]
        route = "careful"
        budget = "0.50"
        min_severity = "medium"
        max_findings = 3
        [review.model.instructions]
        "migrations/" = "Each must be reversible."
        "*.rs" = "Look for panics."
        "#,
    );
    assert_eq!(notes, [""; 0]);
    let model = said.model;
    assert_eq!((model.on, model.route.as_deref(), model.max_findings), (true, Some("careful"), 3));
    assert_eq!(model.budget.map(|usd| usd.0), Some(500_000));
    assert_eq!(model.min_severity, Severity::Medium);
    assert_eq!(model.instructions_for("db/migrations/1.rs").len(), 2);
    assert_eq!(model.instructions_for("a.rs"), ["Look for panics."]);
    assert!(model.instructions_for("a.py").is_empty());
    assert!(!settings("[review]\nmodel = false\n").0.model.on);
    assert!(!settings("[review.model]\nenabled = false\n").0.model.on);
}

#[test]
fn mistakes_are_notes_with_what_would_be_right() {
    let cases = [
        ("[reviw]\n", "unknown key `reviw`; did you mean `review`?"),
        ("[review]\nignores = []\n", "unknown key `review.ignores`; did you mean `ignore`?"),
        ("[review]\nzzz = 1\n", "unknown key `review.zzz`; known here: ignore, disable, suppress, severity, model"),
        ("[review]\nignore = \"x\"\n", "`review.ignore` is not a list"),
        ("[review]\nignore = [\"a{\"]\n", "`review.ignore`: `a{` is no glob"),
        ("[review]\ndisable = [\"Todo\"]\n", "`review.disable`: `Todo` is no rule"),
        ("[review.severity]\n\"a/b\" = \"bad\"\n", "`review.severity.\"a/b\"` is not a severity"),
        ("[[review.suppress]]\npath = \"x\"\n", "a `[[review.suppress]]` has no `rule`"),
        ("[[review.suppress]]\nrule = \"a/b\"\n", "the suppression of `a/b` gives no `reason`"),
        ("[review]\nmodel = 1\n", "`review.model` is neither true, false nor a section"),
        ("[review.model]\nrout = 1\n", "unknown key `review.model.rout`; did you mean `route`?"),
        ("[review.model]\nbudget = 0.5\n", "`review.model.budget` is no amount; write dollars in quotes"),
        ("[review.model]\nmin_severity = \"x\"\n", "`review.model.min_severity` is not a severity"),
        ("[review.model]\nmax_findings = -1\n", "`review.model.max_findings` is no number from 0 to 50"),
        ("[review.model.instructions]\n\"a{\" = \"x\"\n", "`review.model.instructions`: `a{` is no glob"),
        ("[review.model.instructions]\n\"a\" = \"\"\n", "`review.model.instructions.\"a\"` is no text"),
        ("[review\n", "line 1: "),
    ];
    for (text, note) in cases {
        let (_, notes) = settings(text);
        assert_eq!(notes.len(), 1, "{text}: {notes:?}");
        assert!(notes[0].starts_with(&format!(".flotilla.toml: {note}")), "{text}: {notes:?}");
    }
}

#[test]
fn a_suppression_with_a_broken_path_suppresses_nothing() {
    let (settings, notes) = settings("[[review.suppress]]\nrule = \"*\"\npath = \"{\"\nreason = \"x\"\n");
    assert_eq!(notes.len(), 1);
    assert!(!settings.suppresses(&finding("a/b", "x")));
}

#[test]
fn notes_are_bounded() {
    let text = (0..100).map(|n| format!("zzzz{n} = 1\n")).collect::<Vec<_>>().concat();
    let (_, notes) = settings(&text);
    assert_eq!(notes.len(), 21);
    assert!(notes[20].contains("80 more"));
}

#[test]
fn patterns_are_ids_or_prefixes() {
    for good in ["a", "a/b-c", "a/*", "*"] {
        assert!(RulePattern::parse(good).is_some(), "{good}");
    }
    for bad in ["", "a*", "a/**", "A", "a b"] {
        assert!(RulePattern::parse(bad).is_none(), "{bad}");
    }
}
