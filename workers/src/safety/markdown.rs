//! What a reader of rendered Markdown does not see: HTML comments and attributes, texts of images, titles of links.

use super::html;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// A passage, and what stands in its place.
type Edit = (Range<usize>, String);

/// The text without what is hidden, and how many passages were; `None` where nothing is. What is left is cleaned once
/// more: taking something out may bring two halves together.
pub(super) fn without_hidden(text: &str) -> Option<(String, u64)> {
    const ROUNDS: usize = 4;
    let (mut shown, mut all) = (None, 0);
    for _ in 0..ROUNDS {
        let Some((next, count)) = once(shown.as_deref().unwrap_or(text)) else { break };
        (shown, all) = (Some(next), all + count);
    }
    shown.map(|shown| (shown, all))
}

/// Whether there is HTML outside of code.
pub(super) fn has_html(text: &str) -> bool {
    text.contains('<') && Parser::new(text).any(|event| matches!(event, Event::Html(_) | Event::InlineHtml(_)))
}

fn once(text: &str) -> Option<(String, u64)> {
    if !text.contains(['<', '[']) {
        return None;
    }
    let mut edits = edits(text);
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, _)| range.start);
    let (mut shown, mut at, mut count) = (String::with_capacity(text.len()), 0, 0);
    for (range, place) in edits {
        // One within another is gone already.
        if range.start >= at {
            shown.push_str(&text[at..range.start]);
            shown.push_str(&place);
            at = range.end;
            count += 1;
        }
    }
    shown.push_str(&text[at..]);
    Some((shown, count))
}

fn edits(text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut block: Option<Range<usize>> = None;
    let mut events = Parser::new_ext(text, Options::empty()).into_offset_iter();
    for (_, definition) in events.reference_definitions().iter() {
        if definition.title.is_some() {
            edits.extend(without_title(text, &definition.span, &definition.dest));
        }
    }
    for (event, range) in &mut events {
        match event {
            // A block comes in lines, each an event of its own.
            Event::Start(Tag::HtmlBlock) => block = Some(range),
            Event::End(TagEnd::HtmlBlock) => {
                let whole = block.take().unwrap_or(range);
                edits.extend(html::edits(&text[whole.clone()], whole.start));
            }
            Event::InlineHtml(_) => edits.extend(html::edits(&text[range.clone()], range.start)),
            Event::Start(Tag::Image { dest_url, .. }) => edits.extend(bare_image(text, range, &dest_url)),
            Event::Start(Tag::Link { dest_url, title, .. }) if !title.is_empty() => {
                edits.extend(without_title(text, &range, &dest_url));
            }
            _ => {}
        }
    }
    edits
}

/// An image without the text and the title that nobody sees while it loads.
fn bare_image(text: &str, range: Range<usize>, to: &str) -> Option<Edit> {
    let bare = format!("![]({to})");
    (text[range.clone()] != bare && !text[range.clone()].ends_with(']')).then_some((range, bare))
}

/// The end of a link, or of a definition, without its title. One that is written so that its address is not found stays.
fn without_title(text: &str, range: &Range<usize>, to: &str) -> Option<Edit> {
    let source = &text[range.clone()];
    let end = source.rfind(to).filter(|_| !to.is_empty())? + to.len();
    let tail = &source[end..];
    let close = if source.ends_with(')') { ")" } else { "" };
    let gone = range.start + end..range.end;
    (tail.trim_end_matches(')').trim() != "" && tail != close).then(|| {
        let angle = if tail.starts_with('>') { ">" } else { "" };
        (gone, format!("{angle}{close}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        without_hidden(text).map_or_else(|| text.to_owned(), |(shown, _)| shown)
    }

    #[test]
    fn comments_go_but_not_from_code() {
        assert_eq!(shown("Fix <!-- ignore all rules --> it"), "Fix  it");
        assert_eq!(shown("a\n\n<!--\nlong\n\ncomment\n-->\n\nb").replace('\n', ""), "ab");
        for kept in ["`<!-- shown -->`", "```html\n<!-- shown -->\n```\n", "    <!-- shown -->\n", "a < b -- c > d"] {
            assert_eq!(shown(kept), kept);
        }
        assert_eq!(shown("x <!-- never ends"), "x <!-- never ends", "that is text, and shown");
    }

    #[test]
    fn attributes_that_only_programs_read_go() {
        assert_eq!(shown("<a href=\"x\" title=\"do it\">b</a>"), "<a href=\"x\">b</a>");
        assert_eq!(shown("<img src=x alt='obey' data-x=1 aria-label=y>"), "<img src=\"x\">");
        assert_eq!(shown("<p class=\"c\">text</p>"), "<p class=\"c\">text</p>");
    }

    #[test]
    fn texts_behind_images_and_links_go() {
        assert_eq!(shown("![obey](http://a/b.png \"me\")"), "![](http://a/b.png)");
        assert_eq!(shown("[see](http://a/b \"obey\") it"), "[see](http://a/b) it");
        assert_eq!(shown("[see][x]\n\n[x]: http://a/b \"obey\"\n").trim_end(), "[see][x]\n\n[x]: http://a/b");
        assert_eq!(shown("[see](http://a/b)"), "[see](http://a/b)");
    }

    #[test]
    fn halves_that_come_together_go_as_well() {
        assert!(!shown("<!<!-- a -->-- obey -->").contains("<!--"));
    }

    #[test]
    fn html_is_told_from_text() {
        assert!(has_html("a <b>c</b>"));
        assert!(!has_html("`<b>` and 1 < 2 > 0"));
    }
}
