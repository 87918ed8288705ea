//! Reads `review.model`: `false`, or a section.

use super::{MAX_ENTRIES, Reader, clip};
use crate::review::settings::model::Instruction;
use flotilla_jobs::kinds::Severity;
use toml::{Table, Value};

/// Most findings of a model that a team may ask for.
const MAX_FINDINGS: i64 = 50;
/// Longest instruction, in bytes.
const MAX_INSTRUCTION: usize = 2_000;
/// Longest name of a route, in bytes.
const MAX_ROUTE: usize = 64;

impl Reader {
    pub(super) fn model(&mut self, value: Option<&Value>) {
        match value {
            None => {}
            Some(Value::Boolean(on)) => self.settings.model.on = *on,
            Some(Value::Table(table)) => self.model_section(table),
            Some(_) => self.note("`review.model` is neither true, false nor a section", "write `[review.model]`"),
        }
    }

    fn model_section(&mut self, table: &Table) {
        let known = ["enabled", "route", "budget", "min_severity", "max_findings", "instructions"];
        self.unknown("review.model.", table, &known);
        if let Some(value) = table.get("enabled") {
            match value.as_bool() {
                Some(on) => self.settings.model.on = on,
                None => self.note("`review.model.enabled` is neither true nor false", "models are asked"),
            }
        }
        if let Some(value) = table.get("route") {
            match value.as_str().filter(|name| !name.is_empty() && name.len() <= MAX_ROUTE) {
                Some(name) => self.settings.model.route = Some(name.to_owned()),
                None => self.note("`review.model.route` is no name", "name a route of the configuration"),
            }
        }
        if let Some(value) = table.get("budget") {
            match value.as_str().and_then(|text| text.parse().ok()) {
                Some(budget) => self.settings.model.budget = Some(budget),
                None => self.note("`review.model.budget` is no amount", "write dollars in quotes, such as \"0.50\""),
            }
        }
        if let Some(value) = table.get("min_severity") {
            if let Some(severity) = Severity::ALL.into_iter().find(|s| value.as_str() == Some(s.as_str())) {
                self.settings.model.min_severity = severity;
            } else {
                let names = Severity::ALL.map(Severity::as_str).join(", ");
                self.note("`review.model.min_severity` is not a severity", &format!("use one of {names}"));
            }
        }
        if let Some(value) = table.get("max_findings") {
            match value.as_integer().filter(|number| (0..=MAX_FINDINGS).contains(number)) {
                Some(number) => self.settings.model.max_findings = number as usize,
                None => self.note(
                    &format!("`review.model.max_findings` is no number from 0 to {MAX_FINDINGS}"),
                    "the usual number is shown",
                ),
            }
        }
        self.instructions(table.get("instructions"));
    }

    fn instructions(&mut self, value: Option<&Value>) {
        let Some(value) = value else { return };
        let Value::Table(table) = value else {
            return self.note("`review.model.instructions` is not a section", "write `[review.model.instructions]`");
        };
        if table.len() > MAX_ENTRIES {
            self.note(
                &format!("`review.model.instructions` has more than {MAX_ENTRIES} entries"),
                "the first are used",
            );
        }
        for (files, text) in table.iter().take(MAX_ENTRIES) {
            let Some(glob) = self.glob("review.model.instructions", files) else { continue };
            match text.as_str().map(str::trim).filter(|text| !text.is_empty() && text.len() <= MAX_INSTRUCTION) {
                Some(text) => {
                    let instruction = Instruction { files: glob.compile_matcher(), text: text.to_owned() };
                    self.settings.model.instructions.push(instruction);
                }
                None => self.note(
                    &format!(
                        "`review.model.instructions.\"{}\"` is no text of 1 to {MAX_INSTRUCTION} bytes",
                        clip(files)
                    ),
                    "make it shorter",
                ),
            }
        }
    }
}
