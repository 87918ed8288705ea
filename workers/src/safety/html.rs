//! What a reader of a page does not see of its HTML.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use std::{fmt::Write as _, ops::Range};

/// Read aloud or by programs, and never shown: what is said there is said to no person who looks at the page.
const UNSEEN: [&str; 4] = ["alt", "title", "placeholder", "summary"];

/// What to put where in a piece of HTML that begins at `at`.
pub(super) fn edits(html: &str, at: usize) -> Vec<(Range<usize>, String)> {
    let mut edits = Vec::new();
    for Ok(token) in Tokenizer::new_with_emitter(html, DefaultEmitter::<usize>::new_with_span()) {
        match token {
            // Other things that are no markup count as comments for a browser, such as `<?php`: they are code here.
            Token::Comment(comment) if html[comment.span.start..comment.span.end].starts_with("<!--") => {
                edits.push((at + comment.span.start..at + comment.span.end, String::new()));
            }
            Token::StartTag(tag) if tag.attributes.keys().any(|name| is_unseen(name)) => {
                edits.push((at + tag.span.start..at + tag.span.end, rewritten(&tag)));
            }
            _ => {}
        }
    }
    edits
}

fn is_unseen(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    UNSEEN.iter().any(|unseen| unseen.as_bytes() == name) || name.starts_with(b"data-") || name.starts_with(b"aria-")
}

fn rewritten(tag: &StartTag<usize>) -> String {
    let mut written = format!("<{}", String::from_utf8_lossy(&tag.name));
    for (name, value) in tag.attributes.iter().filter(|(name, _)| !is_unseen(name)) {
        let value = String::from_utf8_lossy(value).replace('&', "&amp;").replace('"', "&quot;");
        // Writing to a string does not fail.
        let _ = write!(written, " {}=\"{value}\"", String::from_utf8_lossy(name));
    }
    written.push_str(if tag.self_closing { "/>" } else { ">" });
    written
}
