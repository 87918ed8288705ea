//! A verdict on a finding: what is only left to do is no finding.

use serde_json::{Value, json};

/// What stands before the line that a finding is about.
const HEADS: [&str; 2] = ["existing_code", "lines it is about"];
/// What stands before each line of somebody else.
const MARK: char = '>';
const LEFT_TO_DO: &str = "TODO";

/// `{"verdict", "confidence", "reason"}`.
pub(super) fn of(prompt: &str) -> Value {
    if quoted(prompt).contains(LEFT_TO_DO) {
        return json!({ "verdict": "discard", "confidence": 90, "reason": "scripted: a note of what is left to do" });
    }
    json!({ "verdict": "keep", "confidence": 85, "reason": "scripted: the quoted line is there" })
}

/// What stands on the line of the head, or else on the lines after it: one, or all that are marked.
fn quoted(prompt: &str) -> String {
    let mut lines = prompt.lines();
    let named = lines.by_ref().find_map(|line| HEADS.iter().find_map(|head| Some(line.split_once(head)?.1)));
    let Some(named) = named else { return String::new() };
    if named.chars().any(char::is_alphanumeric) {
        return named.to_owned();
    }
    let first = lines.next().unwrap_or_default();
    let more = lines.take_while(|line| first.starts_with(MARK) && line.starts_with(MARK));
    std::iter::once(first).chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_do_is_discarded() {
        for (prompt, verdict) in [
            ("{\"existing_code\": \"// TODO\"}\nfn a() {}", "discard"),
            ("existing_code:\n// TODO later", "discard"),
            ("The lines it is about:\n> let a;\n> // TODO later\nThe file:\n1 + let a;", "discard"),
            ("The lines it is about:\n> a.unwrap()\nThe file around them:\n> // TODO", "keep"),
            ("existing_code: `a.unwrap()`\n// TODO elsewhere", "keep"),
            ("nothing", "keep"),
        ] {
            assert_eq!(of(prompt)["verdict"], verdict, "{prompt}");
        }
    }
}
