//! Java and its relatives.

use super::{INJECTION, PICKLE, TLS, outside_tests, rule};
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::Java,
    pattern::{Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;

static EXEC: RuleInfo = rule("danger/java-exec", Severity::High, "A command put together from values", INJECTION);
static OBJECTS: RuleInfo = rule("danger/java-deserialize", Severity::Medium, "Reading serialized objects", PICKLE);
static CERTS: RuleInfo = rule("danger/java-tls", Severity::High, "Certificates are not checked", TLS);

pub const TABLE: &[Pattern] = &[
    Pattern::new(&EXEC, &[Java], r#"(?:\bgetRuntime\(\)|\b[rR]untime)\.exec\s*\(\s*(?:"[^"]*"\s*\+|[\w.]+\s*\+)"#)
        .over(Layer::Text),
    Pattern::new(&OBJECTS, &[Java], r"\bnew\s+ObjectInputStream\s*\(").when(outside_tests),
    Pattern::new(
        &CERTS,
        &[Java],
        r"\bcheckServerTrusted\s*\([^)]*\)[^{;]*\{\s*\}|\b(?:NoopHostnameVerifier|ALLOW_ALL_HOSTNAME_VERIFIER|TrustAllStrategy|InsecureTrustManagerFactory)\b",
    )
    .when(|hit| outside_tests(hit) && !hit.text.trim_start().starts_with("import ")),
];
