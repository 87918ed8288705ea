//! Python.

use super::{EVAL, INJECTION, PICKLE, TLS, outside_tests, rule};
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::Python,
    pattern::{self, Hit, Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;
use regex::Regex;
use std::sync::LazyLock;

/// How many lines a call spreads its arguments over.
const CALL_LINES: usize = 5;

static EVALUATE: RuleInfo = rule("danger/python-eval", Severity::High, "Text that is run as code", EVAL);
static UNPICKLE: RuleInfo = rule("danger/python-pickle", Severity::Medium, "Unpickling", PICKLE);
static YAML: RuleInfo = rule(
    "danger/python-yaml-load",
    Severity::High,
    "YAML that can build any object",
    "A document made by somebody else can run code while it is read. `yaml.safe_load` reads plain data.",
);
static SHELL: RuleInfo = rule("danger/python-shell", Severity::Medium, "A command run through a shell", INJECTION);
static SYSTEM: RuleInfo =
    rule("danger/python-os-system", Severity::High, "A shell command put together from values", INJECTION);
static CERTS: RuleInfo = rule("danger/python-tls", Severity::High, "Certificates are not checked", TLS);
static MKTEMP: RuleInfo = rule(
    "danger/python-mktemp",
    Severity::Medium,
    "A temporary name that somebody else can take first",
    "`mktemp` only returns a name; another user can create it before you do. Use `mkstemp` or `NamedTemporaryFile`.",
);
static JWT: RuleInfo = rule(
    "danger/python-jwt",
    Severity::High,
    "A token whose signature is not checked",
    "Anybody can write a token that says what they like. Verify it, with the algorithm fixed.",
);

pub const TABLE: &[Pattern] = &[
    Pattern::new(&EVALUATE, &[Python], r#"(?:^|[^\w.])(?:eval|exec)\s*\(\s*(?:[^)\s'"rRbB]|[rRbB][^'"])"#)
        .when(|hit| !hit.text.contains("def eval") && !hit.text.contains("def exec") && !hit.view.testing),
    Pattern::new(&UNPICKLE, &[Python], r"\b(?:c?[pP]ickle|dill|cloudpickle)\.loads?\s*\(").when(outside_tests),
    Pattern::new(&YAML, &[Python], r"\byaml\.(?:load|load_all)\s*\(").when(is_unsafe_load).fix(safe_load),
    Pattern::new(&YAML, &[Python], r"\byaml\.unsafe_load(?:_all)?\s*\("),
    Pattern::new(&SHELL, &[Python], r"\bshell\s*=\s*True\b").when(|hit| outside_tests(hit) && !is_constant_command(hit)),
    Pattern::new(
        &SYSTEM,
        &[Python],
        r#"\bos\.(?:system|popen)\s*\(\s*(?:f"[^"]*\{|f'[^']*\{|"[^"]*"\s*(?:%|\+|\.format)|'[^']*'\s*(?:%|\+|\.format)|\w+\s*\+)"#,
    )
    .over(Layer::Text),
    Pattern::new(&CERTS, &[Python], r"\bverify\s*=\s*False\b").when(|hit| outside_tests(hit) && is_request(hit)),
    Pattern::new(&CERTS, &[Python], r"\bssl\._create_unverified_context\s*\(|\.check_hostname\s*=\s*False\s*$|\.verify_mode\s*=\s*ssl\.CERT_NONE\s*$")
        .when(|hit| outside_tests(hit) && !hit.text.contains("self.")),
    Pattern::new(&MKTEMP, &[Python], r"\btempfile\.mktemp\s*\("),
    Pattern::new(&JWT, &[Python], r#"["']verify_signature["']\s*:\s*False"#).over(Layer::Text).when(outside_tests),
];

static SAFE_LOADER: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r"(?:Safe|Base|Full)Loader"));
static ONE_ARGUMENT: LazyLock<Regex> =
    LazyLock::new(|| pattern::compile(r"\byaml\.(load(?:_all)?)\s*\([\w.\[\]]*(?:\([\w. ]*\))?[\w.\[\]]*\)"));
static REQUEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern::compile(
        r"(?i)\b(?:requests|httpx|session|client|aiohttp|urllib3|boto3)\b|\.(?:get|post|put|patch|delete|request)\(",
    )
});
static CONSTANT: LazyLock<Regex> = LazyLock::new(|| {
    pattern::compile(r#"\b(?:run|call|Popen|check_output|check_call)\s*\(\s*(?:"[^"]*"|'[^']*')\s*,[^%]*$"#)
});

fn is_unsafe_load(hit: &Hit<'_>) -> bool {
    !hit.view.ahead(hit.row, CALL_LINES).any(|row| SAFE_LOADER.is_match(row.layer(Layer::Code)))
}

/// Certain only where the document is the one argument.
fn safe_load(hit: &Hit<'_>) -> Option<String> {
    let name = ONE_ARGUMENT.captures(hit.text)?.get(1)?.range();
    let raw = hit.raw();
    Some(format!("{}safe_{}", raw.get(..name.start)?, raw.get(name.start..)?))
}

fn is_request(hit: &Hit<'_>) -> bool {
    hit.view.back(hit.row, CALL_LINES).any(|row| REQUEST.is_match(row.layer(Layer::Code)))
}

fn is_constant_command(hit: &Hit<'_>) -> bool {
    CONSTANT.is_match(hit.view.rows[hit.row].layer(Layer::Text))
}
