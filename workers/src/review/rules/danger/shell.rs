//! Shell scripts, and the commands of container files.

use super::rule;
use crate::review::rules::{
    catalog::RuleInfo,
    language::Language::{Docker, Shell},
    pattern::{Hit, Layer, Pattern},
};
use flotilla_jobs::kinds::Severity;

static PIPE: RuleInfo = rule(
    "danger/shell-pipe",
    Severity::Medium,
    "A download that is run unseen",
    "Whoever controls the server or the name runs commands here. Download a fixed version, check its hash, then run it.",
);
static REMOVE: RuleInfo = rule(
    "danger/shell-rm",
    Severity::High,
    "Removes everything if the variable is empty",
    "With an empty variable this removes from the root. Write `${NAME:?}`, which stops instead.",
);
static EVALUATE: RuleInfo = rule(
    "danger/shell-eval",
    Severity::Medium,
    "Text that is run as commands",
    "Whatever the variable holds is run. Call the command itself, or use an array for its arguments.",
);
static CHMOD: RuleInfo = rule(
    "danger/shell-chmod",
    Severity::Medium,
    "Everybody may write",
    "Every user and every broken service on the machine can change it. Give the right to the one who needs it.",
);

pub const TABLE: &[Pattern] = &[
    Pattern::new(
        &PIPE,
        &[Shell, Docker],
        r"\b(?:curl|wget)\s[^|;&]*\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:/bin/)?(?:ba|z|da|k)?sh\b",
    ),
    Pattern::new(
        &REMOVE,
        &[Shell, Docker],
        r#"\brm\s+(?:-\w+\s+)*-\w*[rR]\w*\s+(?:-\S+\s+)*"?\$(?:\w+|\{\w+\})"?/(?:"?\*|\."?|"?\s*$|"?\s*[;&|])"#,
    )
    .over(Layer::Text)
    .when(is_unguarded),
    Pattern::new(&EVALUATE, &[Shell], r#"(?:^|[;&|]|\b(?:then|do|else)\s)\s*eval\s+"?\$(?:\w|\{\w|@|\*)"#)
        .over(Layer::Text),
    Pattern::new(&CHMOD, &[Shell, Docker], r"\bchmod\s+(?:-\w+\s+)*(?:0?777|a\+rwx|ugo\+rwx)\b"),
];

/// With `set -u` an unset variable ends the script. Only what is near is seen; that is where such guards are missed.
fn is_unguarded(hit: &Hit<'_>) -> bool {
    const LINES: usize = 40;
    !hit.view.back(hit.row, LINES).any(|row| {
        let code = row.layer(Layer::Code).trim_start();
        code.contains("nounset")
            || code.strip_prefix("set -").is_some_and(|flags| flags.split(' ').next().unwrap_or("").contains('u'))
    })
}
