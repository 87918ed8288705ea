//! JavaScript and TypeScript.

use super::{EVAL, INJECTION, MARKUP, TLS, outside_tests, rule};
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::Script,
    pattern::{Hit, Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;

static EVALUATE: RuleInfo = rule("danger/js-eval", Severity::High, "Text that is run as code", EVAL);
static HTML: RuleInfo = rule("danger/js-html", Severity::Medium, "Text that becomes markup", MARKUP);
static EXEC: RuleInfo = rule("danger/js-exec", Severity::High, "A shell command put together from values", INJECTION);
static CERTS: RuleInfo = rule("danger/js-tls", Severity::High, "Certificates are not checked", TLS);

pub const TABLE: &[Pattern] = &[
    Pattern::new(&EVALUATE, &[Script], r#"(?:^|[^\w.$])eval\s*\(\s*[^)\s'"`]|\bnew\s+Function\s*\("#)
        .when(|hit| outside_tests(hit) && !hit.text.contains("function eval")),
    Pattern::new(&HTML, &[Script], r#"\.(?:innerHTML|outerHTML)\s*\+?=\s*[^=\s"'`;]"#).when(is_unsanitized),
    Pattern::new(&HTML, &[Script], r"\.(?:innerHTML|outerHTML)\s*\+?=\s*`[^`]*\$\{").over(Layer::Text).when(is_unsanitized),
    Pattern::new(&HTML, &[Script], r"\bdangerouslySetInnerHTML\s*=\s*\{").when(is_unsanitized),
    Pattern::new(&HTML, &[Script], r#"\bdocument\.write(?:ln)?\s*\(\s*[^)\s"'`]"#).when(is_unsanitized),
    Pattern::new(
        &EXEC,
        &[Script],
        r#"(?:^|[^\w.$])(?:(?:child_process|childProcess|cp)\.)?exec(?:Sync)?\s*\(\s*(?:`[^`]*\$\{|"[^"]*"\s*\+|'[^']*'\s*\+)"#,
    )
    .over(Layer::Text)
    .when(outside_tests),
    Pattern::new(&CERTS, &[Script], r#"(?:^|[^\w.$])rejectUnauthorized["']?\s*:\s*false\b|\brejectUnauthorized\s*=\s*false\b"#).over(Layer::Text).when(outside_tests),
    Pattern::new(&CERTS, &[], r#"\bNODE_TLS_REJECT_UNAUTHORIZED["']?\]?\s*(?:=|:)\s*["']?0\b"#)
        .over(Layer::Text)
        .when(|hit| outside_tests(hit) && !matches!(hit.view.language, crate::review::rules::language::Language::Prose)),
];

fn is_unsanitized(hit: &Hit<'_>) -> bool {
    let lower = hit.raw().to_ascii_lowercase();
    !hit.view.testing
        && !["sanitiz", "sanitis", "purify", "escape", "trustedhtml", "json.stringify"]
            .iter()
            .any(|word| lower.contains(word))
}
