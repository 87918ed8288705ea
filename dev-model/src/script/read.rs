//! A script from a file, with errors that say where and what would be right.

use super::{Script, then::Then};
use std::{fs, path::Path};

/// A file larger than this is no script.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A script that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

impl Script {
    /// Reads a file: JSON if it is named `.json`, else TOML.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let name = path.display();
        let size = fs::metadata(path).map_err(|e| ScriptError(format!("{name}: {e}")))?.len();
        if size > MAX_BYTES {
            return Err(ScriptError(format!("{name}: has {size} bytes; a script has at most {MAX_BYTES}")));
        }
        let text = fs::read_to_string(path).map_err(|e| ScriptError(format!("{name}: {e}")))?;
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let script = if json { Self::from_json(&text) } else { Self::from_toml(&text) };
        script.map_err(|error| ScriptError(format!("{name}: {error}")))
    }

    /// Reads TOML.
    pub fn from_toml(text: &str) -> Result<Self, ScriptError> {
        let script: Self =
            toml::from_str(text).map_err(|error| ScriptError(error.to_string().trim_end().to_owned()))?;
        script.checked(|rule| line_of_rule(text, rule))
    }

    /// Reads JSON.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        let script: Self = serde_json::from_str(text).map_err(|error| ScriptError(error.to_string()))?;
        script.checked(|_| None)
    }

    /// What is well formed and still makes no sense.
    fn checked(self, line: impl Fn(usize) -> Option<usize>) -> Result<Self, ScriptError> {
        for (n, rule) in self.rules.iter().enumerate() {
            let wrong = if rule.when.call == Some(0) {
                Err("when.call: calls are counted from 1".to_owned())
            } else {
                sane(&rule.then)
            };
            if let Err(wrong) = wrong {
                let place = line(n).map(|line| format!(", line {line}")).unwrap_or_default();
                return Err(ScriptError(format!("rule {}{place}: {wrong}", n + 1)));
            }
        }
        Ok(self)
    }
}

fn sane(then: &Then) -> Result<(), String> {
    let says = then.text.is_some() || then.json.is_some() || !then.tools.is_empty() || !then.thinking.is_empty();
    if then.text.is_some() && then.json.is_some() {
        return Err("then.text and then.json: an answer is one of them; set one".to_owned());
    }
    if let Some(failure) = &then.error {
        if says {
            return Err("then.error: an error is instead of an answer; leave text, json, tools and thinking out".into());
        }
        if let Some(status) = failure.status
            && !(200..=599).contains(&status)
        {
            return Err(format!("then.error.status: {status} is no status of an answer; use 200 to 599"));
        }
        if let Some(text) = &failure.retry_after
            && text.strip_prefix("date+").unwrap_or(text).parse::<u32>().is_err()
        {
            return Err(format!("then.error.retry_after: `{text}`; use seconds such as 2, or date+2 for a date"));
        }
        for (name, value) in &failure.headers {
            if axum::http::HeaderName::try_from(name).is_err() || axum::http::HeaderValue::try_from(value).is_err() {
                return Err(format!("then.error.headers.{name}: is no header; use a name and a value of ASCII"));
            }
        }
    }
    let ends = [then.cut.is_some(), then.midway.is_some()].into_iter().filter(|set| *set).count();
    if ends > 1 {
        return Err("then.cut and then.midway: a stream ends once; set one".to_owned());
    }
    Ok(())
}

/// The line where a rule of a TOML file begins.
fn line_of_rule(text: &str, rule: usize) -> Option<usize> {
    let heads = text.lines().enumerate().filter(|(_, line)| {
        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        line.starts_with("[[rules]]")
    });
    heads.map(|(n, _)| n + 1).nth(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{refusal::Kind, script::How};

    #[test]
    fn a_script_is_read() {
        let text = r#"
            tokens_per_second = 20
            [prices."gpt-5"]
            input = 1_250_000
            [limits]
            requests_per_minute = 3
            [[rules]]
            when = { call = 1 }
            then = { error = { kind = "overloaded", retry_after = "date+2" } }
            [[rules]]
            when = { contains = "weather", tool_results = 0 }
            [rules.then]
            tools = [{ name = "get_weather", arguments = { city = "Paris" } }]
            quirks = ["crlf", "interleaved"]
            cut = { after = 2, how = "reset" }
        "#;
        let script = Script::from_toml(text).unwrap();
        assert_eq!(script.rules[0].then.error.as_ref().unwrap().kind, Kind::Overloaded);
        assert_eq!(script.rules[1].then.cut.unwrap().how, How::Reset);
        assert_eq!((script.limits.requests_per_minute, script.prices["gpt-5"].input), (3, 1_250_000));
        let json = serde_json::to_string(&script).unwrap();
        assert_eq!(Script::from_json(&json).unwrap(), script);
    }

    #[test]
    fn the_script_that_is_documented_is_one() {
        let documented = include_str!("../../README.md");
        let script = documented.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(Script::from_toml(script).unwrap().rules.len(), 5);
    }

    #[test]
    fn errors_say_where_and_what_would_be_right() {
        let first = "[[rules]]\nthen = { text = \"hi\" }\n";
        for (text, expected) in [
            ("tokens_per_second = \"fast\"", vec!["line 1", "u32"]),
            ("[[rules]]\nwhen = { modle = \"a\" }", vec!["line 2", "modle", "expected one of", "`model`"]),
            ("[[rules]]\nthen = { quirks = [\"clrf\"] }", vec!["line 2", "clrf", "`crlf`"]),
            ("[[rules]]\n[rules.then]\nerror = { kind = \"busy\" }", vec!["line 3", "busy", "`overloaded`"]),
            (&format!("{first}[[rules]]\nwhen = {{ call = 0 }}"), vec!["rule 2, line 3", "counted from 1"]),
            (
                &format!("{first}[[rules]]\nthen = {{ text = \"a\", error = {{}} }}"),
                vec!["rule 2, line 3", "leave text, json, tools and thinking out"],
            ),
            ("[[rules]]\nthen = { error = { retry_after = \"soon\" } }", vec!["rule 1, line 1", "date+2"]),
            ("[[rules]]\nthen = { error = { status = 99 } }", vec!["99", "use 200 to 599"]),
        ] {
            let error = Script::from_toml(text).unwrap_err().to_string();
            for word in expected {
                assert!(error.contains(word), "{word:?} is not in:\n{error}");
            }
        }
        assert!(Script::from_json("{\"rules\": 1}").unwrap_err().to_string().contains("line 1"));
    }
}
