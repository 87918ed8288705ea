//! The reviewing agent: models look at the change in batches, and each finding gets a second look before it counts.
//!
//! What models are shown is data that anyone may have written, and so is what they answer: code decides what a finding
//! may be about, and nothing a model says touches what the rules found. Every step is on record, so a review that is
//! interrupted goes on where it was.

mod ask;
mod context;
mod head;
mod identity;
mod material;
mod mind;
mod place;
mod plan;
mod proposal;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use material::{Material, material};
pub use mind::{Mind, Unanswered};
pub(crate) use plan::Room;

use super::settings::Settings;
use ask::{Ask, Say};
use flotilla_jobs::{
    Fault,
    kinds::{AgentWork, Finding, SkippedFile},
};
use plan::{Piece, Plan};
use proposal::Proposal;
use rand::distr::{Alphanumeric, SampleString as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{cmp::Reverse, collections::BTreeSet, fmt::Write as _};

/// The agent's name.
pub const NAME: &str = "code-review";
/// The thread of the first batch; 0 has what was decided.
const FIRST_BATCH: u32 = 1;
/// The thread of the first second look.
const FIRST_LOOK: u32 = 1_000;
/// Most findings that get a second look, the most severe first.
const MAX_LOOKS: usize = 40;
/// Files named in one note.
const MAX_NAMED: usize = 10;

/// What a model adds to a review.
#[derive(Debug, Default)]
pub struct Added {
    /// The worst first.
    pub findings: Vec<Finding>,
    /// Findings that a person accepted.
    pub suppressed: u32,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// What was done; not what it cost, which whoever asked knows.
    pub work: AgentWork,
}

/// What came of the first look.
#[derive(Default, Serialize, Deserialize)]
struct Checked {
    proposals: Vec<Proposal>,
    proposed: u32,
    dropped: u32,
    duplicates: u32,
    suppressed: u32,
    over_limit: u32,
}

/// What came of the second look.
#[derive(Default, Serialize, Deserialize)]
struct Settled {
    findings: Vec<Finding>,
    discarded: u32,
    duplicates: u32,
    over_limit: u32,
    /// No second look was possible at these.
    unseen: u32,
}

/// Reviews a change. `ruled` is all that the rules found, accepted or not.
pub(crate) async fn review<M: Mind>(
    mind: &M,
    material: &Material,
    settings: &Settings,
    ruled: &[Finding],
    room: Room,
    say: &Say<'_>,
) -> Result<Added, M::Halt> {
    let make = || plan::plan(material, room, fence(), |text| bpe_openai::o200k_base().count(text));
    let plan = mind.decide("plan", &material.digest, make).await?;
    let mut added = Added::default();
    added.work.batches = plan.batches.len() as u32;
    added.work.hidden_characters = material.hidden;
    added.work.left_out = material.left_out.iter().chain(&plan.left_out).cloned().collect();

    let asks = plan.batches.iter().zip(FIRST_BATCH..).map(|(pieces, thread)| Ask {
        thread,
        part: "review",
        vars: batch_vars(material, &plan, pieces, settings),
    });
    let answers = ask::all(mind, asks.collect(), "batches", 0, say).await?;
    for (pieces, answer) in plan.batches.iter().zip(&answers) {
        if let Err(fault) = answer {
            not_reviewed(material, pieces, fault, &mut added);
        }
    }

    let check = || check(material, &plan.batches, &answers, settings, ruled);
    let checked = mind.decide("validate", &material.digest, check).await?;
    let asks = checked.proposals.iter().zip(FIRST_LOOK..).map(|(proposal, thread)| Ask {
        thread,
        part: "verify",
        vars: look_vars(material, &plan, proposal),
    });
    let looks = ask::all(mind, asks.collect(), "findings", plan.batches.len() as u64, say).await?;
    if let Some(fault) = looks.iter().find_map(|look| look.as_ref().err()) {
        added.notes.push(format!("some findings of a model got no second look and are left out: {}", fault.message));
    }

    let settle = || settle(checked.proposals.clone(), &looks, settings.model.max_findings);
    let settled = mind.decide("dedupe", &material.digest, settle).await?;
    let work = &mut added.work;
    work.proposed = checked.proposed;
    work.dropped = checked.dropped + settled.unseen;
    work.discarded = settled.discarded;
    work.duplicates = checked.duplicates + settled.duplicates;
    work.over_limit = checked.over_limit + settled.over_limit;
    added.suppressed = checked.suppressed;
    added.findings = settled.findings;
    Ok(added)
}

/// A word nobody can guess.
fn fence() -> String {
    format!("data-{}", Alphanumeric.sample_string(&mut rand::rng(), 16))
}

fn batch_vars(material: &Material, plan: &Plan, pieces: &[Piece], settings: &Settings) -> Value {
    let files: BTreeSet<usize> = pieces.iter().map(|piece| piece.file).collect();
    let instructions: BTreeSet<&String> =
        files.iter().filter_map(|file| material.files.get(*file)).flat_map(|file| &file.instructions).collect();
    json!({
        "fence": plan.fence,
        "change": write::batch(material, pieces),
        "instructions": instructions,
        "max_findings": settings.model.max_findings.max(1),
    })
}

fn look_vars(material: &Material, plan: &Plan, proposal: &Proposal) -> Value {
    let Proposal { finding, file, hunk } = proposal;
    let around = material.files.get(*file).map(|file| write::around(file, *hunk, finding.start_line, finding.end_line));
    let claim = format!(
        "lines {} to {} of the new file\ncategory: {}\nseverity: {}\ntitle: {}\n{}",
        finding.start_line,
        finding.end_line,
        finding.category.as_str(),
        finding.severity,
        finding.title,
        finding.body
    );
    json!({
        "fence": plan.fence,
        "claim": write::quoted(&claim),
        "lines": write::quoted(&finding.excerpt),
        "around": around.unwrap_or_default(),
    })
}

/// Says which files a batch would have shown, and why it did not come to that.
fn not_reviewed(material: &Material, pieces: &[Piece], fault: &Fault, added: &mut Added) {
    let files: BTreeSet<usize> = pieces.iter().map(|piece| piece.file).collect();
    let paths: Vec<&str> =
        files.iter().filter_map(|file| material.files.get(*file)).map(|file| file.path.as_str()).collect();
    let mut named = paths.iter().take(MAX_NAMED).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > MAX_NAMED {
        // Writing to a string does not fail.
        let _ = write!(named, " and {} more", paths.len() - MAX_NAMED);
    }
    added.notes.push(format!("no model reviewed {named}; rules did: {}", fault.message));
    let reason = format!("no usable answer ({})", fault.code);
    added
        .work
        .left_out
        .extend(paths.iter().map(|path| SkippedFile { path: (*path).to_owned(), reason: reason.clone() }));
}

/// What may be looked at again, of all that was proposed.
fn check(
    material: &Material,
    batches: &[Vec<Piece>],
    answers: &[Result<Value, Fault>],
    settings: &Settings,
    ruled: &[Finding],
) -> Checked {
    let mut checked = Checked::default();
    for (pieces, answer) in batches.iter().zip(answers) {
        let Ok(answer) = answer else { continue };
        let (found, proposed) = proposal::read(material, pieces, answer);
        checked.proposed += proposed;
        checked.dropped += proposed - found.len() as u32;
        for mut proposal in found {
            let finding = &mut proposal.finding;
            finding.severity = settings.severity(&finding.rule).unwrap_or(finding.severity);
            let accepted = material.files.get(proposal.file).map(|file| &file.accepted);
            if settings.disables(&finding.rule) || finding.severity < settings.model.min_severity {
                checked.dropped += 1;
            } else if settings.suppresses(finding)
                || accepted.is_some_and(|comments| super::suppress::accepts(comments, finding))
            {
                checked.suppressed += 1;
            } else if identity::is_said_by_a_rule(finding, ruled) {
                checked.duplicates += 1;
            } else {
                checked.proposals.push(proposal);
            }
        }
    }
    worst_first(&mut checked.proposals);
    checked.over_limit = checked.proposals.len().saturating_sub(MAX_LOOKS) as u32;
    checked.proposals.truncate(MAX_LOOKS);
    checked
}

/// What stays after the second look: once each, and no more than the team wants.
fn settle(proposals: Vec<Proposal>, looks: &[Result<Value, Fault>], most: usize) -> Settled {
    let mut settled = Settled::default();
    let mut kept = Vec::new();
    for (mut proposal, look) in proposals.into_iter().zip(looks) {
        let Ok(look) = look else {
            settled.unseen += 1;
            continue;
        };
        if look.get("verdict").and_then(Value::as_str) != Some("keep") {
            settled.discarded += 1;
            continue;
        }
        let confidence = look.get("confidence").and_then(proposal::percent);
        proposal.finding.confidence = confidence.or(proposal.finding.confidence);
        kept.push(proposal);
    }
    let (mut kept, duplicates) = identity::dedupe(kept);
    settled.duplicates = duplicates;
    identity::identify(&mut kept);
    worst_first(&mut kept);
    settled.over_limit = kept.len().saturating_sub(most) as u32;
    kept.truncate(most);
    settled.findings = kept.into_iter().map(|proposal| proposal.finding).collect();
    settled
}

/// By severity, then by how sure a model is, then by place.
fn worst_first(proposals: &mut [Proposal]) {
    proposals.sort_by(|a, b| {
        let key =
            |p: &Proposal| (Reverse(p.finding.severity), Reverse(p.finding.confidence), p.file, p.finding.start_line);
        key(a).cmp(&key(b))
    });
}
