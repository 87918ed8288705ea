//! Files of the work tree that git does not know yet: read here and written down as git would.

use super::{
    patch::{MAX_DIFF, Patch},
    repository::Repository,
};
use crate::review::{Error, diff::quote, git::path_of};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

/// Most untracked files that are reviewed.
const MAX_FILES: usize = 10_000;
/// Longest file that is read; a longer one counts as binary.
const MAX_FILE: u64 = 8 << 20;
/// Where a NUL makes a file binary, as for git.
const PROBE: usize = 8_000;

/// Adds the files that are neither tracked nor ignored.
pub(super) async fn add(repository: &Repository, patch: &mut Patch) -> Result<(), Error> {
    let call = repository.git.call(["ls-files", "--others", "--exclude-standard", "-z"]);
    let list = call.at_most(16 << 20).run().await?;
    let top = repository.top();
    let mut taken = std::mem::take(patch);
    let read = move || {
        let mut left_out = 0;
        // A name with a slash at its end is another repository.
        let names = list.split(|&b| b == 0).filter(|name| !name.is_empty() && !name.ends_with(b"/"));
        for (number, name) in names.enumerate() {
            if number >= MAX_FILES || taken.diff.len() >= MAX_DIFF || !add_file(&top, name, &mut taken) {
                left_out += 1;
            }
        }
        if left_out > 0 {
            taken.notes.push(format!(
                "{left_out} untracked files were left out: they are too many or too large together, or cannot be read"
            ));
        }
        taken
    };
    *patch = tokio::task::spawn_blocking(read).await.map_err(|error| Error::Broken(error.to_string()))?;
    Ok(())
}

/// Adds one file; answers whether it was read.
fn add_file(top: &Path, name: &[u8], patch: &mut Patch) -> bool {
    let Ok((mode, content, size)) = read(&top.join(path_of(name))) else { return false };
    patch.sizes.insert(name.to_owned(), size);
    write(name, mode, content.as_deref(), &mut patch.diff);
    true
}

/// A file's mode, its content unless that is too long, and its size. Links are not followed.
fn read(path: &Path) -> io::Result<(&'static str, Option<Vec<u8>>, u64)> {
    let seen = fs::symlink_metadata(path)?;
    if seen.is_symlink() {
        use std::os::unix::ffi::OsStringExt as _;
        let target = fs::read_link(path)?.into_os_string().into_vec();
        let size = target.len() as u64;
        return Ok(("120000", Some(target), size));
    }
    if !seen.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let file = File::open(path)?;
    let opened = file.metadata()?;
    if (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
        // Something else took its place since it was looked at, maybe a link.
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mode = if opened.permissions().mode() & 0o100 == 0 { "100644" } else { "100755" };
    let mut content = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut content)?;
    let short = content.len() as u64 <= MAX_FILE;
    Ok((mode, short.then_some(content), opened.len()))
}

/// Writes a new file as git would.
fn write(name: &[u8], mode: &str, content: Option<&[u8]>, diff: &mut Vec<u8>) {
    let old = quote(&[b"a/", name].concat());
    let new = quote(&[b"b/", name].concat());
    let mut add = |parts: &[&[u8]]| parts.iter().for_each(|part| diff.extend_from_slice(part));
    add(&[b"diff --git ", &old, b" ", &new, b"\nnew file mode ", mode.as_bytes(), b"\n"]);
    let Some(content) = content.filter(|text| !text[..text.len().min(PROBE)].contains(&0)) else {
        return add(&[b"Binary files /dev/null and ", &new, b" differ\n"]);
    };
    if content.is_empty() {
        return;
    }
    let lines = content.split_inclusive(|&b| b == b'\n');
    let blank: &[u8] = if name.contains(&b' ') { b"\t" } else { b"" };
    add(&[b"--- /dev/null\n+++ ", &new, blank, b"\n"]);
    add(&[format!("@@ -0,0 +1,{} @@\n", lines.clone().count()).as_bytes()]);
    for line in lines {
        add(&[b"+", line]);
    }
    if content.last() != Some(&b'\n') {
        add(&[b"\n\\ No newline at end of file\n"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff::parse;

    fn written(name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut diff = Vec::new();
        write(name, "100644", Some(content), &mut diff);
        diff
    }

    #[test]
    fn what_is_written_reads_back() {
        for name in [&b"a b"[..], b"\xc3\xa4", b"tab\there", b"q\"uote", b"line\nfeed", b"--output=x", b"\xff"] {
            let diff = written(name, b"one\r\n--- two");
            let files = parse(&diff).unwrap();
            assert_eq!(files.len(), 1, "{}", String::from_utf8_lossy(&diff));
            assert_eq!(files[0].new_path.as_deref(), Some(name));
            assert_eq!(files[0].counts(), (2, 0));
            let last = files[0].hunks[0].lines[1];
            assert_eq!((last.text, last.newline), (&b"--- two"[..], false));
        }
    }

    #[test]
    fn empty_and_binary_files_have_no_lines() {
        let diff = [written(b"empty", b""), written(b"binary", b"a\0b")].concat();
        let files = parse(&diff).unwrap();
        assert_eq!((files[0].binary, files[1].binary), (false, true));
        assert!(files.iter().all(|file| file.is_new() && file.hunks.is_empty()));
    }
}
