//! Paths as git writes them: quoted like strings of C where a byte is unusual.

use std::borrow::Cow;

/// Reads a path from the start of `text`, quoted or up to the end (or a tab, which ends a name in `---` lines).
/// Answers the path and what follows it; `None` if a quoted one is broken.
pub(super) fn read(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    if text.first() == Some(&b'"') {
        return unquote(text).map(|(path, rest)| (Cow::Owned(path), rest));
    }
    let end = text.iter().position(|&b| b == b'\t').unwrap_or(text.len());
    let path = &text[..end];
    Some((Cow::Borrowed(path.strip_suffix(b"\r").unwrap_or(path)), &text[end..]))
}

/// Reads a quoted path from the start of `text`, which begins with `"`.
pub(super) fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut path = Vec::new();
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        match byte {
            b'"' => return Some((path, rest)),
            b'\\' => {
                let (&escape, tail) = rest.split_first()?;
                rest = tail;
                let plain = match escape {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'"' | b'\\' => escape,
                    b'0'..=b'3' => {
                        let (digits, tail) = rest.split_at_checked(2)?;
                        if !digits.iter().all(|d| (b'0'..=b'7').contains(d)) {
                            return None;
                        }
                        rest = tail;
                        (escape - b'0') * 64 + (digits[0] - b'0') * 8 + (digits[1] - b'0')
                    }
                    _ => return None,
                };
                path.push(plain);
            }
            byte => path.push(byte),
        }
    }
}

/// Writes a path the way git would.
pub(crate) fn quote(path: &[u8]) -> Vec<u8> {
    let plain = |b: &u8| (0x20..0x7f).contains(b) && *b != b'"' && *b != b'\\';
    if path.iter().all(plain) {
        return path.to_vec();
    }
    let mut quoted = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            byte if plain(byte) => quoted.push(*byte),
            byte => quoted.extend(format!("\\{byte:03o}").bytes()),
        }
    }
    quoted.push(b'"');
    quoted
}

/// Takes the prefixes off the two names of a file, such as `a/` and `b/`. Git is told by its settings which ones to
/// write, or none, so only pairs it is known to write are taken off.
pub(super) fn strip<'a>(old: Cow<'a, [u8]>, new: Cow<'a, [u8]>) -> (Cow<'a, [u8]>, Cow<'a, [u8]>) {
    const PAIRS: [&[u8; 2]; 12] = [b"ab", b"iw", b"ci", b"cw", b"ow", b"12", b"ba", b"wi", b"ic", b"wc", b"wo", b"21"];
    let letter = |path: &[u8]| (path.len() > 2 && path[1] == b'/').then(|| path[0]);
    let (a, b) = (letter(&old), letter(&new));
    let cut = match (&*old == NULL, &*new == NULL) {
        (false, false) => PAIRS.iter().any(|pair| a == Some(pair[0]) && b == Some(pair[1])),
        (true, false) => b.is_some_and(|b| b"bwia2".contains(&b)),
        (false, true) => a.is_some_and(|a| b"aicob1".contains(&a)),
        (true, true) => false,
    };
    let shorten = |path: Cow<'a, [u8]>| match path {
        path if !cut || *path == *NULL => path,
        Cow::Borrowed(path) => Cow::Borrowed(&path[2..]),
        Cow::Owned(path) => Cow::Owned(path[2..].to_vec()),
    };
    (shorten(old), shorten(new))
}

/// What stands for no file.
pub(super) const NULL: &[u8] = b"/dev/null";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_paths_are_read() {
        let cases: [(&[u8], &[u8]); 4] = [
            (br#""a/\303\244""#, "a/ä".as_bytes()),
            (br#""a/tab\there""#, b"a/tab\there"),
            (br#""a/q\"\\""#, br#"a/q"\"#),
            (br#""""#, b""),
        ];
        for (text, path) in cases {
            assert_eq!(unquote(text).unwrap().0, path);
        }
        for broken in [&br#""a"#[..], br#""a\"#, br#""\9""#, br#""\30""#, br#""\400""#, b"a"] {
            assert_eq!(unquote(broken), None, "{}", String::from_utf8_lossy(broken));
        }
    }

    #[test]
    fn what_is_quoted_reads_back() {
        for path in [&b"plain/name.rs"[..], "ä".as_bytes(), b"a\nb", b"\"\\", b"\xff\x00"] {
            let quoted = quote(path);
            let (back, rest) = read(&quoted).unwrap();
            assert_eq!((&*back, rest), (path, &b""[..]));
        }
    }
}
