//! Prompt templates: text with values in it. Values are data: what they hold is never a template.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

/// Longest text that a template gives, in bytes.
const MAX_TEXT: usize = 8 << 20;

/// A template that cannot be used, or not with these values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}, line {line}: {what}")]
pub struct BadTemplate {
    /// `system` or `prompt`.
    pub name: &'static str,
    /// Of the template, from 1.
    pub line: usize,
    /// No value is in it.
    pub what: String,
}

/// Whether a template can be read.
pub(super) fn check(name: &'static str, text: &str) -> Result<(), BadTemplate> {
    environment().template_from_named_str(name, text).map(drop).map_err(|error| bad(name, &error))
}

/// A template with its values. A name without a value is an error, not nothing.
pub(super) fn render(name: &'static str, text: &str, vars: &impl Serialize) -> Result<String, BadTemplate> {
    let vars = minijinja::Value::from(Serde(vars));
    let text = environment().render_named_str(name, text, vars).map_err(|error| bad(name, &error))?;
    if text.len() > MAX_TEXT {
        let what = format!("gives {} bytes, above the limit of {} MiB for a prompt", text.len(), MAX_TEXT >> 20);
        return Err(BadTemplate { name, line: 1, what });
    }
    Ok(text)
}

/// Without a loader: a template cannot name another one.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment
}

fn bad(name: &'static str, error: &minijinja::Error) -> BadTemplate {
    use minijinja::ErrorKind;
    let what = match error.kind() {
        ErrorKind::UndefinedError => match error.detail() {
            Some(detail) => format!("uses a value that was not given ({detail})"),
            None => "uses a value that was not given".to_owned(),
        },
        kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    };
    BadTemplate { name, line: error.line().unwrap_or(1), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_data() {
        let text = render("prompt", "a {{ x }} b\n", &json!({"x": "{{ y }} <&> {% if %}"})).unwrap();
        assert_eq!(text, "a {{ y }} <&> {% if %} b\n");
    }

    #[test]
    fn what_is_not_given_is_an_error() {
        let error = render("prompt", "one\ntwo {{ missing }}", &json!({})).unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.to_string().contains("not given"), "{error}");
        let nested = render("prompt", "{% for f in files %}{{ f.name }}{% endfor %}", &json!({"files": [{}]}));
        assert!(nested.is_err());
    }

    #[test]
    fn other_templates_cannot_be_named() {
        for text in ["{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{% macro m() %}{% endmacro %}"]
        {
            assert!(check("prompt", text).is_err(), "{text}");
        }
        assert!(check("prompt", "{% if a %}").is_err());
    }
}
