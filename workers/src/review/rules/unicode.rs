//! `unicode/*`: characters that make code look like other code (CVE-2021-42574, CVE-2021-42694).

use super::{
    catalog::RuleInfo,
    findings::Findings,
    language::Language,
    pattern::Layer,
    view::{Row, View},
};
use crate::review::hidden;
use flotilla_jobs::kinds::{Category, Severity};

pub(super) const RULES: &[&RuleInfo] = &[&BIDI, &INVISIBLE, &HOMOGLYPH, &HIDDEN];

static BIDI: RuleInfo = RuleInfo::new(
    "unicode/bidi",
    Severity::High,
    Category::Security,
    "A character that reorders the text around it",
    "What the reader sees is not what the compiler reads (Trojan Source, CVE-2021-42574). Remove it, or write it as \
     an escape.",
);

static INVISIBLE: RuleInfo = RuleInfo::new(
    "unicode/invisible",
    Severity::Medium,
    Category::Security,
    "An invisible character",
    "It can make two names look the same or hide text from readers, and models read what people cannot see. Remove \
     it, or write it as an escape.",
);

static HOMOGLYPH: RuleInfo = RuleInfo::new(
    "unicode/homoglyph",
    Severity::High,
    Category::Security,
    "A name with letters that only look Latin",
    "The name mixes Latin letters with Cyrillic or Greek ones that look the same, so it is not the name it seems to \
     be (CVE-2021-42694). Type it anew.",
);

static HIDDEN: RuleInfo = RuleInfo::new(
    "unicode/hidden",
    Severity::Low,
    Category::Security,
    "A character that programs read and people do not see",
    "A control character, a mark of direction or another character without a shape: it can hide text from readers or \
     garble a terminal, and models read it. Remove it, or write it as an escape.",
);

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    if has_hidden_name(&view.path) {
        findings.add_whole(&view.path, &HIDDEN, "name").title("A file name with hidden characters".to_owned());
    }
    for index in view.added() {
        let row = &view.rows[index];
        if row.raw.is_ascii() && !row.raw.contains(is_control) {
            continue;
        }
        let rules =
            [(&BIDI, has_bidi(view, row)), (&INVISIBLE, has_invisible(row)), (&HOMOGLYPH, has_homoglyph(view, row))];
        for (info, _) in rules.iter().filter(|(_, found)| *found) {
            findings.add(view, info, index..=index);
        }
        if !rules[0].1 && !rules[1].1 && has_other_hidden(view, row) {
            findings.add(view, &HIDDEN, index..=index);
        }
    }
}

/// A form feed parts the pages of old sources.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\r' | '\u{c}')
}

/// Hidden characters that the other rules leave alone. In text that people read, some have their place: soft hyphens,
/// marks of direction.
fn has_other_hidden(view: &View<'_>, row: &Row<'_>) -> bool {
    let never = |c| matches!(c, '\u{206a}'..='\u{206f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0080}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}');
    let in_code = |c| {
        is_control(c)
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2800}')
    };
    row.raw.contains(never) || (view.language.is_code() && !is_translation(view) && row.raw.contains(in_code))
}

/// In a name, nothing hidden has a place but what shapes emoji.
fn has_hidden_name(path: &str) -> bool {
    path.contains(|c| hidden::is_hidden(c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}'))
}

/// In text that people read, isolates and embeddings are how right-to-left words are written; overrides never are.
fn has_bidi(view: &View<'_>, row: &Row<'_>) -> bool {
    let text = |c| matches!(c, '\u{202d}' | '\u{202e}');
    let code = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    row.raw.contains(if is_translation(view) { text as fn(char) -> bool } else { code })
}

fn is_translation(view: &View<'_>) -> bool {
    const FOLDERS: [&str; 7] = ["locale", "locales", "i18n", "l10n", "lang", "translations", "messages"];
    view.language == Language::Prose
        || view.path.split('/').any(|part| FOLDERS.contains(&part.split('.').next().unwrap_or_default()))
        || [".po", ".pot", ".xlf", ".xliff", ".strings", ".arb"].iter().any(|ending| view.path.ends_with(ending))
}

fn has_invisible(row: &Row<'_>) -> bool {
    // Flags of regions are a black flag and tags.
    let flag = row.raw.contains('\u{1f3f4}');
    let mut before = None;
    let mut chars = row.raw.chars().peekable();
    let mut selectors = 0;
    while let Some(c) = chars.next() {
        let found = match c {
            '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{180e}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => {
                true
            }
            // A byte order mark is fine where a file begins, and only there.
            '\u{feff}' => before.is_some() || row.line > 1,
            // Joiners shape Indic and Persian words and emoji; between Latin letters they do nothing one can see.
            '\u{200c}' | '\u{200d}' => {
                before.is_none_or(|c: char| c.is_ascii()) && chars.peek().is_none_or(char::is_ascii)
            }
            '\u{e0000}'..='\u{e007f}' => !flag,
            // One selects a form of the character before it; a row of them is hidden data.
            '\u{e0100}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe0f}' => {
                selectors += 1;
                selectors > 2
            }
            _ => false,
        };
        if !matches!(c, '\u{e0100}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe0f}') {
            selectors = 0;
        }
        if found {
            return true;
        }
        before = Some(c);
    }
    false
}

fn has_homoglyph(view: &View<'_>, row: &Row<'_>) -> bool {
    view.language.is_code()
        && row.layer(Layer::Code).split(|c: char| !c.is_alphanumeric() && c != '_').any(|name| {
            let mut foreign = name.chars().filter(|c| !c.is_ascii()).peekable();
            foreign.peek().is_some() && foreign.all(looks_latin) && name.contains(|c: char| c.is_ascii_alphabetic())
        })
}

/// Only letters that no font tells apart: formulas are full of `σ` and `Δ`.
fn looks_latin(c: char) -> bool {
    matches!(
        c,
        'а' | 'е'
            | 'о'
            | 'р'
            | 'с'
            | 'у'
            | 'х'
            | 'і'
            | 'ј'
            | 'ѕ'
            | 'ԁ'
            | 'һ'
            | 'А'
            | 'В'
            | 'Е'
            | 'К'
            | 'М'
            | 'Н'
            | 'О'
            | 'Р'
            | 'С'
            | 'Т'
            | 'Х'
            | 'І'
            | 'Ј'
            | 'Ѕ'
            | 'ο'
            | 'Α'
            | 'Β'
            | 'Ε'
            | 'Ζ'
            | 'Η'
            | 'Ι'
            | 'Κ'
            | 'Μ'
            | 'Ν'
            | 'Ο'
            | 'Ρ'
            | 'Τ'
            | 'Υ'
            | 'Χ'
    )
}
