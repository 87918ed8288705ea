//! Unified diffs as models write them: line numbers and counts may be off, the lines themselves may not.

/// What is done to files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Patch {
    pub files: Vec<FilePatch>,
}

/// What is done to one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilePatch {
    /// `None` where it is new.
    pub old: Option<String>,
    /// `None` where it is removed.
    pub new: Option<String>,
    pub hunks: Vec<Hunk>,
}

/// Lines that take the place of others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// The first line of it, from 1, as the patch says.
    at: usize,
    old: Vec<String>,
    new: Vec<String>,
    /// The last line ends without a line break: that of the old text, that of the new one.
    open: (bool, bool),
}

impl Patch {
    pub fn read(text: &str) -> Result<Self, String> {
        // A carriage return belongs to its line: files with them are patched by patches with them.
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        let mut files = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            if is_file(&lines[at..]) {
                let (old, new) = (path(&lines[at][4..], "a/")?, path(&lines[at + 1][4..], "b/")?);
                if old.is_none() && new.is_none() {
                    return Err(format!("line {} of the patch names no file", at + 1));
                }
                let mut file = FilePatch { old, new, hunks: Vec::new() };
                at += 2;
                while at < lines.len() && lines[at].starts_with("@@") {
                    let (hunk, next) = hunk(&lines, at)?;
                    file.hunks.push(hunk);
                    at = next;
                }
                if file.hunks.is_empty() {
                    return Err(format!("line {at} of the patch is not followed by a hunk; begin one with `@@`"));
                }
                files.push(file);
            } else if lines[at].starts_with("@@") {
                return Err(format!("line {} of the patch is a hunk without `--- a/PATH` and `+++ b/PATH`", at + 1));
            } else {
                // What git writes between files.
                at += 1;
            }
        }
        if files.is_empty() {
            return Err("this is no unified diff: no line `--- a/PATH` is followed by `+++ b/PATH`".to_owned());
        }
        Ok(Self { files })
    }
}

/// A text with hunks applied, each at the line it names or else at the only place where its lines are.
pub(super) fn apply(text: &str, hunks: &[Hunk]) -> Result<String, String> {
    let ends = text.is_empty() || text.ends_with('\n');
    let mut lines: Vec<String> = text.split_terminator('\n').map(str::to_owned).collect();
    let (mut from, mut moved, mut open) = (0, 0_isize, !ends);
    for (number, hunk) in hunks.iter().enumerate() {
        let at = find(&lines, hunk, from, moved).map_err(|what| format!("hunk {}: {what}", number + 1))?;
        let end = at + hunk.old.len();
        if end == lines.len() && !hunk.new.is_empty() {
            open = hunk.open.1 || (open && hunk.new.last() == hunk.old.last() && !hunk.open.0);
        } else if end == lines.len() {
            open = false;
        }
        lines.splice(at..end, hunk.new.iter().cloned());
        from = at + hunk.new.len();
        moved += hunk.new.len() as isize - hunk.old.len() as isize;
    }
    let mut after = lines.join("\n");
    if !lines.is_empty() && !open {
        after.push('\n');
    }
    Ok(after)
}

/// Where a hunk belongs.
fn find(lines: &[String], hunk: &Hunk, from: usize, moved: isize) -> Result<usize, String> {
    let named = hunk.at.saturating_sub(usize::from(!hunk.old.is_empty())).saturating_add_signed(moved);
    if hunk.old.is_empty() {
        return if lines.is_empty() {
            Ok(0)
        } else if named >= from && named <= lines.len() && hunk.at > 0 {
            Ok(named)
        } else {
            Err("only adds lines, and names no line to add them after; show lines around them".to_owned())
        };
    }
    let fits = |at: usize| lines.get(at..at + hunk.old.len()).is_some_and(|found| found == hunk.old);
    if named >= from && fits(named) {
        return Ok(named);
    }
    let mut places = (from..lines.len()).filter(|at| fits(*at));
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err("its lines are at several places; show more lines around them".to_owned()),
        _ => Err("its lines are not in the file as they are given; read the file again".to_owned()),
    }
}

/// The hunk that begins at a line, and the line after it.
fn hunk(lines: &[&str], start: usize) -> Result<(Hunk, usize), String> {
    let mut hunk = Hunk { at: first_line(lines[start]), ..Hunk::default() };
    let mut at = start + 1;
    let mut last = ' ';
    while let Some(line) = lines.get(at) {
        if line.starts_with("@@") || line.starts_with("diff --git ") || is_file(&lines[at..]) {
            break;
        }
        let (sign, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
        match sign {
            " " => {
                hunk.old.push(rest.to_owned());
                hunk.new.push(rest.to_owned());
            }
            "-" => hunk.old.push(rest.to_owned()),
            "+" => hunk.new.push(rest.to_owned()),
            "\\" => match last {
                '-' => hunk.open.0 = true,
                '+' => hunk.open.1 = true,
                _ => hunk.open = (true, true),
            },
            _ => {
                return Err(format!("line {} of the patch begins with none of ` `, `+`, `-` and `@@`", at + 1));
            }
        }
        last = sign.chars().next().unwrap_or(' ');
        at += 1;
    }
    // An empty line before the next file is nobody's.
    if at < lines.len() && lines[at - 1].is_empty() && at > start + 1 {
        hunk.old.pop();
        hunk.new.pop();
    }
    if hunk.old == hunk.new && hunk.open.0 == hunk.open.1 {
        return Err(format!("the hunk at line {} of the patch changes nothing", start + 1));
    }
    Ok((hunk, at))
}

/// The number after `@@ -`; 0 where there is none.
fn first_line(head: &str) -> usize {
    let digits = head.split_once('-').map_or("", |(_, rest)| rest);
    digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Whether lines begin what is done to another file.
fn is_file(lines: &[&str]) -> bool {
    matches!(lines, [old, new, ..] if old.starts_with("--- ") && new.starts_with("+++ "))
}

/// A path of a head line; `None` for /dev/null.
fn path(text: &str, prefix: &str) -> Result<Option<String>, String> {
    // A tab ends the name where a time follows.
    let text = text.split('\t').next().unwrap_or_default().trim_end();
    if text == "/dev/null" {
        return Ok(None);
    }
    if text.is_empty() || text.starts_with('"') {
        return Err("the patch holds a path that is empty or quoted; write it as it is".to_owned());
    }
    Ok(Some(text.strip_prefix(prefix).unwrap_or(text).to_owned()))
}

#[cfg(test)]
mod tests;
