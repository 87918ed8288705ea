//! `[review.model]`: what a team wants of a model that looks at its changes.

use flotilla_jobs::{MicroUsd, kinds::Severity};
use globset::GlobMatcher;

/// Findings of a model that a review shows, unless the team says another number.
const MAX_FINDINGS: usize = 8;

/// What a team wants of a model.
#[derive(Debug)]
pub(crate) struct Model {
    /// `false`: rules only.
    pub on: bool,
    /// A route of the configuration to take instead of the agent's own.
    pub route: Option<String>,
    /// What one review may cost; never more than the operator allows.
    pub budget: Option<MicroUsd>,
    /// Milder findings are dropped.
    pub min_severity: Severity,
    /// More findings are dropped, the mildest first.
    pub max_findings: usize,
    pub(super) instructions: Vec<Instruction>,
}

/// What is to be looked at in some files.
#[derive(Debug)]
pub(super) struct Instruction {
    pub files: GlobMatcher,
    pub text: String,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            on: true,
            route: None,
            budget: None,
            min_severity: Severity::Low,
            max_findings: MAX_FINDINGS,
            instructions: Vec::new(),
        }
    }
}

impl Model {
    /// What is to be looked at in a file.
    pub fn instructions_for(&self, path: &str) -> Vec<String> {
        let fitting = self.instructions.iter().filter(|instruction| instruction.files.is_match(path));
        fitting.map(|instruction| instruction.text.clone()).collect()
    }
}
