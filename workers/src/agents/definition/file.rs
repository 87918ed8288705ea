//! Reads an agent file; what is wrong is said with file, line and what would be right.

use super::{CacheFor, Definition, Limits, OnChange, PartDefinition, template};
use crate::agents::{model::Shape, tool::Roles};
use flotilla_jobs::MicroUsd;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::Path,
};
use toml::Spanned;

/// Most tokens that an answer may be asked to have.
const MAX_OUTPUT: u32 = 200_000;
/// Longest time that answers are kept: what any store keeps.
const MAX_HOURS: u32 = (crate::cache::MAX_LASTS.as_secs() / 3_600) as u32;

/// An agent file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadFile {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl BadFile {
    pub(super) fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }

    pub(super) fn unreadable(file: &str, error: &io::Error) -> Self {
        Self::new(file, 1, format!("cannot be read: {error}"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    route: Spanned<String>,
    #[serde(default)]
    on_change: OnChange,
    #[serde(default)]
    limits: FileLimits,
    #[serde(default)]
    roles: Roles,
    #[serde(default)]
    approval: Vec<Spanned<String>>,
    cache: Option<FileCache>,
    parts: BTreeMap<String, FilePart>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FileLimits {
    steps: Option<Spanned<u32>>,
    tokens: Option<Spanned<u64>>,
    usd: Option<Spanned<String>>,
    minutes: Option<Spanned<u32>>,
    tool_bytes: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCache {
    hours: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePart {
    route: Option<Spanned<String>>,
    context_tokens: Option<Spanned<u64>>,
    system: Option<Spanned<String>>,
    prompt: Spanned<String>,
    #[serde(default)]
    tools: Vec<String>,
    max_output: Spanned<u32>,
    temperature: Option<Spanned<f64>>,
    answer: Option<FileShape>,
    example: Option<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileShape {
    name: Spanned<String>,
    schema: Spanned<String>,
}

impl Definition {
    /// Reads one; `file` names it in errors, and its stem must be the agent's name.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadFile> {
        let source = Source { file, text };
        let read: File = toml::from_str(text).map_err(|error| {
            source.bad(error.span().map_or(0, |span| span.start), error.message().replace('\n', ", "))
        })?;
        let stem = Path::new(file).file_stem().unwrap_or_default();
        if stem != read.name.get_ref().as_str() {
            let what = format!("name must be the file's own, `{}`", stem.to_string_lossy());
            return Err(source.bad(read.name.span().start, what));
        }
        if read.route.get_ref().is_empty() {
            return Err(source.bad(read.route.span().start, "route is empty; name a route of the configuration"));
        }
        if read.parts.is_empty() {
            return Err(source.bad(0, "has no part; add a table `[parts.NAME]` with a prompt"));
        }
        let approval = source.approval(read.approval, &read.parts)?;
        let parts = read.parts.into_iter().map(|(name, part)| Ok((name, source.part(part)?)));
        Ok(Self {
            name: read.name.into_inner(),
            route: read.route.into_inner(),
            on_change: read.on_change,
            limits: source.limits(read.limits)?,
            roles: read.roles,
            approval,
            cache: read.cache.as_ref().map(|cache| source.cache(cache)).transpose()?,
            parts: parts.collect::<Result<_, BadFile>>()?,
        })
    }
}

/// A file that is being read.
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    /// Tools that wait for a person: a name that no part has would wait for nobody.
    fn approval(
        &self,
        read: Vec<Spanned<String>>,
        parts: &BTreeMap<String, FilePart>,
    ) -> Result<BTreeSet<String>, BadFile> {
        let named = |name: &String| parts.values().any(|part| part.tools.contains(name));
        if let Some(bad) = read.iter().find(|name| !named(name.get_ref())) {
            let what = format!("approval: no part of the agent has a tool `{}`", bad.get_ref());
            return Err(self.bad(bad.span().start, what));
        }
        Ok(read.into_iter().map(Spanned::into_inner).collect())
    }

    fn limits(&self, read: FileLimits) -> Result<Limits, BadFile> {
        let mut limits = Limits::default();
        if let Some(steps) = read.steps {
            limits.steps = self.above_zero("steps", steps)?;
        }
        if let Some(tokens) = read.tokens {
            limits.tokens = self.above_zero("tokens", tokens)?;
        }
        if let Some(minutes) = read.minutes {
            limits.minutes = self.above_zero("minutes", minutes)?;
        }
        if let Some(bytes) = read.tool_bytes {
            limits.tool_bytes = *bytes.get_ref();
        }
        if let Some(usd) = read.usd {
            let amount: Result<MicroUsd, _> = usd.get_ref().parse();
            limits.cost = Some(amount.map_err(|error| self.bad(usd.span().start, format!("limits.usd: {error}")))?);
        }
        Ok(limits)
    }

    fn cache(&self, read: &FileCache) -> Result<CacheFor, BadFile> {
        let hours = *read.hours.get_ref();
        if !(1..=MAX_HOURS).contains(&hours) {
            return Err(self.bad(read.hours.span().start, format!("cache.hours {hours} is not 1 to {MAX_HOURS}")));
        }
        Ok(CacheFor { hours })
    }

    fn part(&self, read: FilePart) -> Result<PartDefinition, BadFile> {
        let max_output = self.above_zero("max_output", read.max_output)?;
        if max_output > MAX_OUTPUT {
            let what = format!("max_output {max_output} is above the limit of {MAX_OUTPUT} tokens");
            return Err(self.bad(read.prompt.span().start, what));
        }
        if let Some(bad) = read.temperature.as_ref().filter(|t| !(0.0..=2.0).contains(t.get_ref())) {
            let what = format!("temperature {} is not between 0 and 2", bad.get_ref());
            return Err(self.bad(bad.span().start, what));
        }
        for (name, text) in [("system", read.system.as_ref()), ("prompt", Some(&read.prompt))] {
            if let Some(text) = text {
                template::check(name, text.get_ref()).map_err(|bad| self.bad_template(text, &bad))?;
            }
        }
        if let Some(empty) = read.route.as_ref().filter(|route| route.get_ref().is_empty()) {
            let what = "route is empty; name a route of the configuration, or leave it out for the agent's own";
            return Err(self.bad(empty.span().start, what));
        }
        let part = PartDefinition {
            route: read.route.map(Spanned::into_inner),
            context_tokens: read.context_tokens.map(|tokens| self.above_zero("context_tokens", tokens)).transpose()?,
            answer: read.answer.map(|shape| self.shape(shape)).transpose()?,
            max_output,
            temperature: read.temperature.map(Spanned::into_inner),
            tools: read.tools,
            system: read.system.as_ref().map(|text| text.get_ref().clone()),
            prompt: read.prompt.get_ref().clone(),
        };
        if let Some(example) = read.example {
            part.render(example.get_ref()).map_err(|bad| {
                let text = if bad.name == "system" { read.system.as_ref() } else { None };
                self.bad_template(text.unwrap_or(&read.prompt), &bad)
            })?;
        }
        Ok(part)
    }

    fn shape(&self, read: FileShape) -> Result<Shape, BadFile> {
        let at = read.schema.span().start;
        let schema: Value = serde_json::from_str(read.schema.get_ref()).map_err(|error| {
            let line = self.first_line(&read.schema) + error.line().saturating_sub(1);
            BadFile::new(self.file, line, format!("answer.schema is not JSON: {error}"))
        })?;
        jsonschema::validator_for(&schema)
            .map_err(|error| self.bad(at, format!("answer.schema is not a JSON schema: {error}")))?;
        let name = read.name.get_ref();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            let what = "answer.name must be 1 to 64 letters, digits, `_` or `-`: providers take no other";
            return Err(self.bad(read.name.span().start, what));
        }
        Ok(Shape { name: read.name.into_inner(), schema })
    }

    fn above_zero<T: Default + PartialOrd>(&self, name: &str, value: Spanned<T>) -> Result<T, BadFile> {
        if *value.get_ref() > T::default() {
            return Ok(value.into_inner());
        }
        Err(self.bad(value.span().start, format!("{name} must be above 0")))
    }

    fn bad_template(&self, text: &Spanned<String>, bad: &template::BadTemplate) -> BadFile {
        let line = self.first_line(text) + bad.line - 1;
        BadFile::new(self.file, line, format!("{}: {}", bad.name, bad.what))
    }

    /// Where the text of a string begins: after the line break that follows three quotes.
    fn first_line(&self, text: &Spanned<String>) -> usize {
        let raw = self.text.get(text.span()).unwrap_or_default();
        let breaks = raw.starts_with("\"\"\"\n") || raw.starts_with("'''\n");
        self.line(text.span().start) + usize::from(breaks)
    }

    fn bad(&self, at: usize, what: impl Into<String>) -> BadFile {
        BadFile::new(self.file, self.line(at), what)
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|&b| b == b'\n').count()
    }
}
