//! Reviews a change: where it comes from, what it is, and what rules and models say about the lines it adds.

mod agent;
mod asked;
mod change;
mod collect;
pub mod diff;
mod error;
mod filter;
pub(crate) mod git;
mod hidden;
mod host;
mod prepared;
mod roots;
pub mod rules;
#[cfg(test)]
mod sample;
mod settings;
mod suppress;
mod watch;

pub use agent::{Added, Mind, NAME as AGENT, Unanswered};
pub use asked::{Asked, asked};
pub use change::{Change, ChangedFile};
pub use error::Error;
pub use git::Error as GitError;
pub(crate) use hidden::is_hidden;
pub use host::Host;
pub use prepared::{Prepared, Wishes, prepare};
pub use roots::Roots;
pub(crate) use rules::secrets_in;
pub use watch::{Say, Watch};

use agent::Material;
use collect::Collected;
use flotilla_jobs::kinds::{Finding, Review, Source};
use rules::Facts;
use settings::Settings;
use std::{cmp::Reverse, path::Path};

/// Reviews the change of a source by rules alone; a work tree must lie below one of the host's roots.
///
/// The same source gives the same review as long as its repository stays the same. Nothing is written to it.
pub async fn review(source: &Source, host: &Host, watch: &Watch) -> Result<Review, Error> {
    Ok(prepare(source, host, watch, false).await?.without(None))
}

/// Opens the repository of a work tree, if reviews may read it.
pub(crate) async fn repository(path: &Path, host: &Host, watch: &Watch) -> Result<git::Git, Error> {
    collect::open(path, host, watch).await
}

/// Text of a repository as models may see it: secrets are masked, hidden characters are spelled out.
pub(crate) fn fit_to_show(text: &[u8]) -> String {
    let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').collect();
    hidden::spell_out(&rules::masked("", &lines).join("\n"), &['\n']).0
}

/// What needs no more than the processor.
fn digest(collected: Collected, watch: &Watch, deep: bool) -> Result<Prepared, Error> {
    watch.stage(1, "reading the diff")?;
    let files = diff::parse(&collected.diff)?;
    let mut notes = collected.notes;
    let settings = match &collected.settings {
        Some(text) => Settings::parse(text, &mut notes),
        None => Settings::default(),
    };
    watch.stage(2, "sorting the files")?;
    let known = filter::Known { sizes: &collected.sizes, heads: &collected.heads };
    let filtered = filter::filter(files, known, &settings);
    let is_settings = |path: &str| path == settings::FILE;
    if collected.settings.is_some() && filtered.reviewed.iter().any(|file| is_settings(&file.path)) {
        notes.push(format!("the change touches {}; what it sets counts once it is in the base", settings::FILE));
    }
    let total = filtered.change.files.len();
    watch.stage(3, &format!("checking {total} files"))?;
    let ruled = rules::check(&filtered.change, &Facts { present: collected.lock_files });
    watch.stage(4, "leaving out what was accepted")?;
    let (mut findings, suppressed) = suppress::suppress(ruled.clone(), &filtered.change, &settings);
    watch.stage(5, "putting findings in order")?;
    order(&mut findings);
    let wanted = deep && settings.model.on;
    let material =
        if wanted { agent::material(&filtered.change, &collected.olds, &settings) } else { Material::default() };
    let review = Review {
        base: collected.base,
        head: collected.head,
        files: filtered.reviewed,
        skipped: filtered.skipped,
        findings,
        suppressed,
        notes,
        agent: None,
    };
    let has_text = filtered.change.files.iter().any(|file| file.text_rules && file.diff.counts().0 > 0);
    Ok(Prepared { review, ruled, has_text, material, settings })
}

/// The most severe first, then by path and line.
fn order(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (Reverse(f.severity), f.start_line, f.end_line);
        let (left, right) = (key(a), key(b));
        left.0
            .cmp(&right.0)
            .then_with(|| a.path.cmp(&b.path))
            .then_with(|| (left.1, left.2).cmp(&(right.1, right.2)))
            .then_with(|| a.rule.cmp(&b.rule))
    });
}
