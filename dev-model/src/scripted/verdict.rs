//! A verdict on a finding: what is only left to do is no finding.

use serde_json::{Value, json};

/// Where a prompt quotes the line that the finding is about.
const QUOTE: &str = "existing_code";
const LEFT_TO_DO: &str = "TODO";

/// `{"verdict", "confidence", "reason"}`.
pub(super) fn of(prompt: &str) -> Value {
    if quoted(prompt).contains(LEFT_TO_DO) {
        return json!({ "verdict": "discard", "confidence": 90, "reason": "scripted: a note of what is left to do" });
    }
    json!({ "verdict": "keep", "confidence": 85, "reason": "scripted: the quoted line is there" })
}

/// The line that names the quote, and the next one where it only names it.
fn quoted(prompt: &str) -> String {
    let mut lines = prompt.lines().skip_while(|line| !line.contains(QUOTE));
    let first = lines.next().unwrap_or_default();
    let named = first.split_once(QUOTE).map_or("", |(_, rest)| rest);
    let only_named = !named.chars().any(char::is_alphanumeric);
    format!("{named}\n{}", if only_named { lines.next().unwrap_or_default() } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_do_is_discarded() {
        for (prompt, verdict) in [
            ("{\"existing_code\": \"// TODO\"}\nfn a() {}", "discard"),
            ("existing_code:\n> // TODO later", "discard"),
            ("existing_code: `a.unwrap()`\n// TODO elsewhere", "keep"),
            ("nothing", "keep"),
        ] {
            assert_eq!(of(prompt)["verdict"], verdict, "{prompt}");
        }
    }
}
