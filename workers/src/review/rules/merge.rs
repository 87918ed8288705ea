//! `merge/conflict-marker`: a merge that was committed half done.

use super::{
    catalog::RuleInfo,
    findings::Findings,
    language::Language,
    view::{Row, View},
};
use flotilla_jobs::kinds::{Category, Severity};

pub(super) const RULES: &[&RuleInfo] = &[&CONFLICT];

static CONFLICT: RuleInfo = RuleInfo::new(
    "merge/conflict-marker",
    Severity::Critical,
    Category::Correctness,
    "A merge conflict marker",
    "The file has both sides of a merge in it. Choose what to keep, and remove the marker lines.",
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    Ours,
    Base,
    Middle,
    Theirs,
}

/// One finding a conflict: from its first marker to its last, or a marker that is alone.
pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    let markers: Vec<(usize, Marker)> = view.added().filter_map(|at| Some((at, marker(&view.rows[at])?))).collect();
    for hunk in markers.chunk_by(|(a, _), (b, _)| view.rows[*a].hunk == view.rows[*b].hunk) {
        let has = |wanted| hunk.iter().any(|(_, marker)| *marker == wanted);
        // A line of `=` underlines a heading; documentation about git shows markers, but seldom a whole set.
        let certain = match view.language {
            Language::Prose => has(Marker::Ours) && has(Marker::Middle) && has(Marker::Theirs),
            _ => has(Marker::Ours) || has(Marker::Base) || has(Marker::Theirs),
        };
        if !certain {
            continue;
        }
        for conflict in hunk.chunk_by(|(_, a), (_, b)| *a != Marker::Theirs && *b != Marker::Ours) {
            if let (Some((first, _)), Some((last, _))) = (conflict.first(), conflict.last()) {
                findings.add(view, &CONFLICT, *first..=*last);
            }
        }
    }
}

fn marker(row: &Row<'_>) -> Option<Marker> {
    let (sign, rest) = row.raw.split_at_checked(7)?;
    let labeled = rest.strip_prefix(' ').is_some_and(|label| !label.trim().is_empty());
    match sign {
        "<<<<<<<" if labeled => Some(Marker::Ours),
        "|||||||" if labeled || rest.is_empty() => Some(Marker::Base),
        "=======" if rest.is_empty() => Some(Marker::Middle),
        ">>>>>>>" if labeled => Some(Marker::Theirs),
        _ => None,
    }
}
