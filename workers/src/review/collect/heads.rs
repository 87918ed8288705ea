//! Files as they were before a change: their first lines, where a generated file says what it is and which a hunk
//! further down does not show; and all of them, for whoever wants to see more than the hunks.

use super::repository::Repository;
use crate::review::{Error, git};
use std::collections::HashMap;

/// Most files that are looked into.
const MAX_FILES: usize = 2_000;
/// Longest file that is looked into, in bytes.
const MAX_FILE: usize = 1 << 20;
/// Most bytes of them together.
const MAX_TOTAL: usize = 64 << 20;
/// Bytes kept of each, and lines.
const HEAD: usize = 2 << 10;
const LINES: usize = 10;

/// The heads of the modified files of a raw diff, by path. Those of too many or too large files are left out: they
/// only save the reader noise.
pub(super) async fn read(repository: &Repository, list: &[u8]) -> Result<HashMap<Vec<u8>, Vec<u8>>, Error> {
    fetch(repository, list, &["M"], head).await
}

/// The whole of the files of a raw diff that were there before, by the path they had, within the same limits.
pub(super) async fn whole(repository: &Repository, list: &[u8]) -> Result<HashMap<Vec<u8>, Vec<u8>>, Error> {
    fetch(repository, list, &["M", "T", "D"], <[u8]>::to_vec).await
}

async fn fetch(
    repository: &Repository,
    list: &[u8],
    statuses: &[&str],
    keep: fn(&[u8]) -> Vec<u8>,
) -> Result<HashMap<Vec<u8>, Vec<u8>>, Error> {
    let mut blobs = Vec::new();
    let mut words = list.split(|&b| b == 0);
    while let (Some(entry), Some(path)) = (words.next(), words.next()) {
        let entry = String::from_utf8_lossy(entry);
        let fields: Vec<&str> = entry.split(' ').collect();
        let [mode, _, id, _, status] = fields[..] else { continue };
        if statuses.contains(&status) && mode.starts_with(":100") && blobs.len() < MAX_FILES {
            blobs.push((id.to_owned(), path.to_owned()));
        }
    }
    let ids = |blobs: &[(String, Vec<u8>)]| -> Vec<u8> {
        blobs.iter().flat_map(|(id, _)| [id.as_bytes(), b"\n"].concat()).collect()
    };
    if blobs.is_empty() {
        return Ok(HashMap::new());
    }
    let sizes = repository.git.call(["cat-file", "--batch-check=%(objectsize)"]).input(ids(&blobs)).run().await?;
    let mut sizes = sizes.split(|&b| b == b'\n').map(|size| std::str::from_utf8(size).ok()?.parse::<usize>().ok());
    blobs.retain(|_| sizes.next().flatten().is_some_and(|size| size <= MAX_FILE));
    if blobs.is_empty() {
        return Ok(HashMap::new());
    }
    let call = repository.git.call(["cat-file", "--batch=%(objectsize)", "--buffer"]);
    let answer = match call.input(ids(&blobs)).at_most(MAX_TOTAL).run().await {
        Err(git::Error::TooMuch { .. }) => return Ok(HashMap::new()),
        answer => answer?,
    };
    Ok(blobs.into_iter().map(|(_, path)| path).zip(contents(&answer).map(keep)).collect())
}

/// The first lines of a file.
fn head(content: &[u8]) -> Vec<u8> {
    let lines = content[..content.len().min(HEAD)].split_inclusive(|&b| b == b'\n').take(LINES);
    lines.flatten().copied().collect()
}

/// Each object of an answer: a line with its size, its content, a line feed.
fn contents(mut answer: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = answer.iter().position(|&b| b == b'\n')?;
        let size: usize = std::str::from_utf8(&answer[..end]).ok()?.parse().ok()?;
        let (content, rest) = answer[end + 1..].split_at_checked(size)?;
        answer = rest.get(1..)?;
        Some(content)
    })
}

#[cfg(test)]
mod tests {
    use super::{contents, head};

    #[test]
    fn contents_are_cut_to_their_first_lines() {
        let long = (0..20).map(|n| format!("{n}\n")).collect::<Vec<_>>().concat();
        let answer = format!("{}\n{long}\n0\n\n3\na\nb\n", long.len());
        let heads: Vec<_> = contents(answer.as_bytes()).map(head).collect();
        assert_eq!(heads, [b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n".to_vec(), b"".to_vec(), b"a\nb".to_vec()]);
        assert_eq!(contents(b"9\nshort").count(), 0);
    }
}
