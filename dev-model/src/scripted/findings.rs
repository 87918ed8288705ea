//! Findings about the hunks of a prompt, by words that often are trouble.

use serde_json::{Value, json};

/// Most findings of one answer.
const MAX: usize = 5;
const FILE: &str = "## File: '";
const NEW: &str = "__new hunk__";
const OLD: &str = "__old hunk__";

/// What a line holds, how bad that is, and what is said of it.
const TROUBLE: [(&str, &str, &str); 6] = [
    ("eval(", "high", "Code is made of text and run"),
    ("unwrap()", "medium", "A missing value ends the program"),
    ("panic!", "medium", "The program ends on purpose"),
    ("== null", "medium", "A loose comparison with null"),
    ("except:", "medium", "Every exception is caught"),
    ("TODO", "low", "Something is left to do"),
];

/// `{"findings": […]}` for the added lines of all new hunks.
pub(super) fn of(prompt: &str) -> Value {
    let mut found = Vec::new();
    let mut file = "";
    // Lines of others may be marked in front; the mark is on the headings too.
    let mut hunk: Option<&str> = None;
    for line in prompt.lines() {
        if let Some((_, rest)) = line.split_once(FILE) {
            (file, hunk) = (rest.rfind('\'').map_or(rest, |end| &rest[..end]), None);
        } else if let Some((mark, _)) = line.split_once(NEW) {
            hunk = Some(mark);
        } else if line.contains(OLD) {
            hunk = None;
        } else if let Some((number, code)) = hunk.and_then(|mark| added(line.strip_prefix(mark).unwrap_or(line)))
            && let Some((word, severity, title)) = TROUBLE.iter().find(|(word, ..)| code.contains(word))
        {
            found.push(json!({
                "path": file,
                "existing_code": code,
                "start_line": number,
                "end_line": number,
                "severity": severity,
                "category": "correctness",
                "title": title,
                "body": format!("This is a scripted finding; no model wrote it. The line holds `{word}`."),
                "confidence": 80,
                "suggestion": null,
            }));
        }
        if found.len() == MAX {
            break;
        }
    }
    json!({ "findings": found })
}

/// `12 + code`: the number and the code of an added line.
fn added(line: &str) -> Option<(u64, &str)> {
    let line = line.trim_start();
    let (number, rest) = line.split_at(line.find(|c: char| !c.is_ascii_digit())?);
    let code = rest.trim_start().strip_prefix('+')?;
    Some((number.parse().ok()?, code.strip_prefix(' ').unwrap_or(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_in_added_lines_is_found() {
        let prompt = "## File: 'src/it's.rs'\n__new hunk__\n9   let a = b.unwrap();\n10 + let c = d.unwrap();\n\
                      __old hunk__\n 10 - eval(x)\n\n~ ## File: 'b.py'\n~ __new hunk__\n~ 3 +    eval(x)\n~ 4 + fine\n";
        let findings = of(prompt);
        let found: Vec<_> = findings["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| {
                (f["path"].as_str().unwrap(), f["start_line"].as_u64().unwrap(), f["existing_code"].as_str().unwrap())
            })
            .collect();
        assert_eq!(found, [("src/it's.rs", 10, "let c = d.unwrap();"), ("b.py", 3, "   eval(x)")]);
    }

    #[test]
    fn findings_are_few() {
        let findings = of(&format!("## File: 'a'\n__new hunk__\n{}", "1 + // TODO\n".repeat(20)));
        assert_eq!(findings["findings"].as_array().unwrap().len(), MAX);
    }
}
