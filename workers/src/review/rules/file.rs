//! `file/*`: files that do not belong into a repository.

use super::{catalog::RuleInfo, findings::Findings, pattern, view::View};
use crate::review::change::ChangedFile;
use flotilla_jobs::kinds::{Category, Severity};
use regex::Regex;
use std::sync::LazyLock;

/// Larger files make every clone slower forever.
pub(super) const LARGE_BYTES: u64 = 1024 * 1024;

pub(super) const RULES: &[&RuleInfo] = &[&LARGE, &BINARY, &ENV, &KEY];

static LARGE: RuleInfo = RuleInfo::new(
    "file/large",
    Severity::Medium,
    Category::Maintainability,
    "A large file",
    "Git keeps every version of it, so every clone carries it forever. Use Git LFS, a release asset, or a script that \
     fetches it.",
);

static BINARY: RuleInfo = RuleInfo::new(
    "file/binary",
    Severity::Low,
    Category::Maintainability,
    "A binary file",
    "Nobody can review it or merge it. Build it from source where that is possible.",
);

static ENV: RuleInfo = RuleInfo::new(
    "file/env",
    Severity::High,
    Category::Security,
    "An environment file with values",
    "Such files hold what differs from place to place, and secrets sooner or later. Commit a template without values \
     (`.env.example`), and ignore the file itself.",
);

static KEY: RuleInfo = RuleInfo::new(
    "file/key",
    Severity::High,
    Category::Security,
    "A key file",
    "The file holds private keys by its kind. Whoever can read the repository has them, and history keeps them: \
     replace them, and keep them in a secret store.",
);

static SECRET_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern::compile(
        r#"^\s*(?:export\s+)?\w*(?i:PASSW(?:OR)?D|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|DATABASE_URL|_DSN)\w*\s*=\s*["']?([^\s"'#]{6,})"#,
    )
});
static VALUE: LazyLock<Regex> = LazyLock::new(|| pattern::compile(r"^\s*(?:export\s+)?[A-Za-z_]\w*\s*=\s*[^\s#]+"));

pub(super) fn check(changed: &ChangedFile<'_>, view: &View<'_>, findings: &mut Findings) {
    let path = view.path.as_str();
    let lower = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let mild = |severity: Severity| if view.testing { severity.min(Severity::Low) } else { severity };
    if is_env(&lower) {
        let has = |regex: &Regex| view.rows.iter().filter(|row| row.added).any(|row| regex.is_match(&row.raw));
        if has(&SECRET_VALUE) {
            findings.add_whole(path, &ENV, "").severity(mild(ENV.severity));
        } else if has(&VALUE) && changed.diff.is_new() {
            findings.add_whole(path, &ENV, "").severity(mild(Severity::Low));
        }
    }
    if !changed.diff.is_new() {
        return;
    }
    if is_key(&lower) {
        findings.add_whole(path, &KEY, "").severity(mild(KEY.severity));
    } else if changed.diff.binary {
        findings.add_whole(path, &BINARY, "").severity(mild(binary(&lower)));
    }
    if let Some(size) = changed.size.filter(|size| *size > LARGE_BYTES) {
        let mebibytes = size as f64 / LARGE_BYTES as f64;
        findings.add_whole(path, &LARGE, "").title(format!("A large file: {mebibytes:.1} MiB"));
    }
}

fn is_env(name: &str) -> bool {
    const TEMPLATES: [&str; 8] = ["example", "sample", "template", "dist", "defaults", "test", "ci", "schema"];
    match name.strip_prefix(".env") {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|rest| !rest.split('.').any(|part| TEMPLATES.contains(&part))),
        None => {
            name.split_once('.').is_some_and(|(_, ending)| ending == "env")
                && !TEMPLATES.iter().any(|t| name.contains(t))
        }
    }
}

/// Certificates are public, so `.pem`, `.crt` and `.key` are left to the rule that looks for the key in them.
fn is_key(name: &str) -> bool {
    matches!(name, "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519")
        || [".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"].iter().any(|ending| name.ends_with(ending))
}

/// Pictures and fonts have no source; programs do.
fn binary(name: &str) -> Severity {
    const ASSETS: [&str; 22] = [
        "png", "jpg", "jpeg", "gif", "ico", "icns", "webp", "avif", "bmp", "svgz", "woff", "woff2", "ttf", "otf",
        "eot", "pdf", "mp3", "mp4", "webm", "ogg", "wav", "gz",
    ];
    const PROGRAMS: [&str; 15] =
        ["exe", "dll", "so", "dylib", "o", "a", "lib", "class", "pyc", "pyd", "jar", "war", "apk", "msi", "bin"];
    match name.rsplit_once('.') {
        Some((_, ending)) if ASSETS.contains(&ending) => Severity::Info,
        Some((_, ending)) if PROGRAMS.contains(&ending) => Severity::Medium,
        _ => Severity::Low,
    }
}
