//! Go.

use super::{INJECTION, MARKUP, TLS, outside_tests, rule};
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::Go,
    pattern::{Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;

static CERTS: RuleInfo = rule("danger/go-tls", Severity::High, "Certificates are not checked", TLS);
static SHELL: RuleInfo = rule("danger/go-shell", Severity::High, "A shell command put together from values", INJECTION);
static TEMPLATE: RuleInfo = rule("danger/go-template", Severity::Medium, "Text that becomes markup", MARKUP);

pub const TABLE: &[Pattern] = &[
    Pattern::new(&CERTS, &[Go], r"\bInsecureSkipVerify\s*[:=]\s*true\b").when(outside_tests),
    Pattern::new(
        &SHELL,
        &[Go],
        r#"\bexec\.Command(?:Context)?\((?:[\w.()]+,\s*)?"(?:/bin/|/usr/bin/)?(?:sh|bash)",\s*"-l?c",\s*(?:fmt\.Sprintf|"[^"]*"\s*\+|[\w.]+\s*\+)"#,
    )
    .over(Layer::Text)
    .when(outside_tests),
    Pattern::new(&TEMPLATE, &[Go], r#"\btemplate\.(?:HTML|HTMLAttr|JS|JSStr|URL|CSS)\(\s*[^"`)\s]"#).when(outside_tests),
];
