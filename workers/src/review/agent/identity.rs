//! Which findings are the same: among a model's own, and as a rule's. Line numbers say nothing about that, since they
//! move.

use super::proposal::Proposal;
use crate::hex::hex;
use flotilla_jobs::kinds::Finding;
use sha2::{Digest as _, Sha256};
use std::{cmp::Reverse, collections::HashMap};

/// From how much alike two titles say the same, where their lines overlap and their category is one.
const ALIKE: f64 = 0.75;

/// Leaves one of each: the one a model is surest of.
pub(super) fn dedupe(mut proposals: Vec<Proposal>) -> (Vec<Proposal>, u32) {
    let before = proposals.len();
    let sure = |p: &Proposal| (Reverse(p.finding.confidence), Reverse(p.finding.severity), p.finding.start_line);
    proposals.sort_by(|a, b| sure(a).cmp(&sure(b)).then_with(|| a.finding.path.cmp(&b.finding.path)));
    let mut kept: Vec<Proposal> = Vec::new();
    for proposal in proposals {
        if !kept.iter().any(|other| is_same(&other.finding, &proposal.finding)) {
            kept.push(proposal);
        }
    }
    let dropped = before - kept.len();
    (kept, dropped as u32)
}

fn is_same(a: &Finding, b: &Finding) -> bool {
    overlap(a, b)
        && a.category == b.category
        && (words(&a.excerpt) == words(&b.excerpt)
            || strsim::jaro(&a.title.to_lowercase(), &b.title.to_lowercase()) >= ALIKE)
}

/// Whether a rule says the same about these lines.
pub(super) fn is_said_by_a_rule(finding: &Finding, rules: &[Finding]) -> bool {
    rules.iter().any(|rule| overlap(rule, finding) && rule.category == finding.category)
}

fn overlap(a: &Finding, b: &Finding) -> bool {
    a.path == b.path && a.start_line > 0 && a.start_line <= b.end_line && b.start_line <= a.end_line
}

/// Gives each finding its identity: a hash of its path, category and text; those with the same are numbered from top to
/// bottom.
pub(super) fn identify(proposals: &mut [Proposal]) {
    proposals.sort_by(|a, b| {
        let place = |p: &Proposal| (p.finding.start_line, p.finding.end_line);
        a.finding.path.cmp(&b.finding.path).then_with(|| place(a).cmp(&place(b)))
    });
    let mut seen: HashMap<[u8; 32], u32> = HashMap::new();
    for Proposal { finding, .. } in proposals {
        let mut hash = Sha256::new();
        hash.update(format!("{}\0{}\0", finding.rule, finding.path));
        hash.update(words(&finding.excerpt));
        let count = seen.entry(hash.clone().finalize().into()).or_default();
        *count += 1;
        hash.update(format!("\0{count}"));
        finding.fingerprint = hex(&hash.finalize()[..16]);
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::sample;
    use flotilla_jobs::kinds::{Category, Severity};

    fn proposal(line: u32, title: &str, excerpt: &str) -> Proposal {
        let finding = Finding {
            start_line: line,
            end_line: line,
            title: title.into(),
            excerpt: excerpt.into(),
            severity: Severity::Medium,
            confidence: Some(50),
            ..sample::finding("model/testing")
        };
        Proposal { finding, file: 0, hunk: 0 }
    }

    #[test]
    fn the_surest_of_those_that_say_the_same_is_kept() {
        let mut sure = proposal(3, "The result is not checked", "a()");
        sure.finding.confidence = Some(90);
        let other = proposal(3, "Unrelated", "b()");
        let (kept, dropped) =
            dedupe(vec![proposal(3, "The result isn't checked", "a() "), sure.clone(), other.clone()]);
        assert_eq!((kept, dropped), (vec![sure, other], 1));
    }

    #[test]
    fn an_identity_survives_moved_lines_and_tells_repeated_ones_apart() {
        let ids = |shift: u32| {
            let mut all =
                vec![proposal(9 + shift, "x", "a( )"), proposal(3 + shift, "y", "a(  )"), proposal(5, "z", "b")];
            identify(&mut all);
            all.sort_by_key(|p| p.finding.excerpt.starts_with('b'));
            all.into_iter().map(|p| p.finding.fingerprint).collect::<Vec<_>>()
        };
        assert_eq!(ids(0), ids(40));
        let ids = ids(0);
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0].len() == 32, "{ids:?}");
    }

    #[test]
    fn a_rule_wins_where_it_speaks_of_the_same() {
        let rule = Finding { start_line: 2, end_line: 4, ..sample::finding("testing/focused") };
        assert!(is_said_by_a_rule(&proposal(4, "x", "y").finding, std::slice::from_ref(&rule)));
        assert!(!is_said_by_a_rule(&proposal(5, "x", "y").finding, std::slice::from_ref(&rule)));
        let mut other = proposal(4, "x", "y").finding;
        other.category = Category::Security;
        assert!(!is_said_by_a_rule(&other, &[rule]));
    }
}
