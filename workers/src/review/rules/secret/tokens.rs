//! Credentials with a shape of their own.

use super::placeholder::{entropy, is_placeholder};
use crate::review::rules::{
    catalog::RuleInfo,
    pattern::{Hit, Layer, Pattern},
};
use flotilla_jobs::kinds::{Category, Severity};

/// Bits a character: below is what people type on a keyboard to make a test pass.
const MIN_ENTROPY: f64 = 3.0;

const LEAKED: &str = "Whoever can read the repository can use it, and history keeps it even after a later commit takes \
                      it out: revoke it, and read it from the environment or a secret store.";

macro_rules! secrets {
    ($($name:ident $id:literal $severity:ident $title:literal $regex:literal $keep:expr;)*) => {
        $(static $name: RuleInfo =
            RuleInfo::new(concat!("secret/", $id), Severity::$severity, Category::Security, $title, LEAKED);)*
        /// The shapes; where two fit one text, the first here names it.
        pub const TABLE: &[Pattern] = &[$(Pattern::new(&$name, &[], $regex).over(Layer::Raw).when($keep)),*];
    };
}

secrets! {
    AWS_ID "aws-access-key" High "An AWS access key id"
        r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b" is_real;
    AWS_SECRET "aws-secret-key" Critical "An AWS secret access key"
        r#"(?i:aws_?-?secret|secret_?-?access_?-?key|aws_?-?key)[\w.-]{0,20}["']?\]?\s{0,4}(?:=>|:=|=|:)\s{0,4}["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"# is_mixed;
    GITHUB "github-token" Critical "A GitHub token"
        r"\b((?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}))\b" is_real;
    GITLAB "gitlab-token" Critical "A GitLab token"
        r"\b((?:glpat|gldt|glptt|glrt|glsoat)-[A-Za-z0-9_-]{20}[A-Za-z0-9_.-]{0,100})" is_real;
    SLACK "slack-token" Critical "A Slack token"
        r"\b(xox[abeoprs]-[0-9]{8,14}-[0-9A-Za-z-]{10,200}|xapp-\d-[A-Z0-9]{8,14}-\d{8,14}-[a-z0-9]{32,80})" is_real;
    SLACK_HOOK "slack-webhook" High "A Slack webhook address"
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/(T[A-Z0-9]{7,12}/[A-Z0-9]{7,20}/[A-Za-z0-9]{20,40})" is_real;
    STRIPE "stripe-key" Critical "A live Stripe key"
        r"\b([sr]k_live_[A-Za-z0-9]{16,250})\b" is_real;
    GOOGLE "google-api-key" High "A Google API key"
        r"\b(AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)" is_google;
    GCP "gcp-service-account" Critical "A Google Cloud service account key"
        r#""private_key_id"\s*:\s*"([0-9a-f]{40})""# is_real;
    OPENAI "openai-key" Critical "An OpenAI API key"
        r"\b(sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,80})?[A-Za-z0-9_-]{0,20}T3BlbkFJ[A-Za-z0-9_-]{20,80})" is_real;
    ANTHROPIC "anthropic-key" Critical "An Anthropic API key"
        r"\b(sk-ant-(?:api|admin|oat|sid)\d{2}-[A-Za-z0-9_-]{80,120})" is_real;
    NPM "npm-token" Critical "An npm token"
        r"\b(npm_[A-Za-z0-9]{36})\b" is_real;
    PYPI "pypi-token" Critical "A PyPI token"
        r"\b(pypi-AgE[A-Za-z0-9_-]{60,1000})" is_real;
    SENDGRID "sendgrid-key" Critical "A SendGrid API key"
        r"\b(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?:[^A-Za-z0-9_-]|$)" is_real;
    TWILIO "twilio-key" High "A Twilio credential"
        r#"(?i:twilio)[\w. "'\]:=>(-]{0,40}["'=: ]((?:SK)?[0-9a-f]{32})\b"# is_real;
    TELEGRAM "telegram-token" High "A Telegram bot token"
        r"(?:^|[^0-9A-Za-z]|\bbot)(\d{8,10}:AA[A-Za-z0-9_-]{33})(?:[^A-Za-z0-9_-]|$)" is_real;
    DISCORD "discord-token" High "A Discord credential"
        r"(?:\b([MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38})(?:[^A-Za-z0-9_-]|$)|discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,80})" is_mixed;
    AZURE "azure-storage-key" Critical "An Azure storage account key"
        r"AccountKey=([A-Za-z0-9+/]{86}==)" is_azure;
    JWT "jwt" Medium "A signed JSON Web Token"
        r"\b(eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{20,1000})" is_jwt;
    URL "url-password" High "A URL with a password"
        r#"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/?#@"'<>`]{1,80}:([^\s/?#@"'<>`:]{5,200})@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+"# is_password;
}

fn is_real(hit: &Hit<'_>) -> bool {
    let value = hit.value().as_str();
    !is_placeholder(value) && entropy(value) >= MIN_ENTROPY
}

/// Letters of both cases and digits: a path or a digest in hex has not all of them.
fn is_mixed(hit: &Hit<'_>) -> bool {
    let value = hit.value().as_str();
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|byte| kind(&byte));
    is_real(hit) && has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

/// Apps of Firebase carry their key in public.
fn is_google(hit: &Hit<'_>) -> bool {
    let path = hit.view.path.to_ascii_lowercase();
    is_mixed(hit) && !["google-services.json", "googleservice-info.plist", "firebase"].iter().any(|n| path.contains(n))
}

/// The emulator's key is the same for everyone.
fn is_azure(hit: &Hit<'_>) -> bool {
    is_mixed(hit) && !hit.value().as_str().starts_with("Eby8vdM02xNOcqFlqUwJPL")
}

/// The token that jwt.io and half of all tutorials show is about subject 1234567890.
fn is_jwt(hit: &Hit<'_>) -> bool {
    is_real(hit) && !hit.value().as_str().contains(".eyJzdWIiOiIxMjM0NTY3ODkw")
}

/// Passwords of databases on one's own machine are no secrets, nor are those that documentation makes up.
fn is_password(hit: &Hit<'_>) -> bool {
    const HOSTS: [&str; 8] = ["127.", "0.0.0.0", "10.0.", "192.168.", "example.", "host.", "localhost", "your"];
    const MADE_UP: [&str; 13] = [
        "opensesame",
        "password",
        "passwd",
        "secret",
        "hunter2",
        "postgres",
        "admin",
        "guest",
        "root",
        "user",
        "token",
        "pass",
        "mysql",
    ];
    let password = hit.value().as_str();
    let lower = password.to_ascii_lowercase();
    let all = hit.captures.get_match().as_str();
    let (before, host) = all.rsplit_once('@').unwrap_or(("", all));
    let user = before.rsplit("//").next().and_then(|both| both.split(':').next()).unwrap_or_default();
    let host = host.to_ascii_lowercase();
    !is_placeholder(password)
        && !password.starts_with(['$', '{', '%', '['])
        && !password.contains("${")
        && !password.contains('{')
        && !password.bytes().all(|byte| byte == b'*' || byte == b'x' || byte == b'.')
        && !MADE_UP.iter().any(|word| lower.trim_end_matches(|c: char| c.is_ascii_digit()) == *word)
        && lower != user.to_ascii_lowercase()
        && !HOSTS.iter().any(|start| host.starts_with(start))
        && ![".example", ".example.com", ".example.org", ".test", ".invalid", ".local", ".localhost"]
            .iter()
            .any(|ending| host.ends_with(ending))
}
