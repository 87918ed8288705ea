//! A search through files, within bounds that it reports.

use super::{
    lines::{clip, is_binary, split},
    tree::{Sort, entries, open, step},
};
use cap_std::fs::Dir;
use globset::GlobMatcher;
use regex::bytes::Regex;
use std::{
    io::Read as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Matches that are shown.
const MAX_MATCHES: usize = 300;
/// Files that are read.
const MAX_FILES: usize = 20_000;
/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 2 << 20;
/// Bytes that are read in all.
const MAX_BYTES: u64 = 128 << 20;
/// Directories below each other.
const MAX_DEPTH: usize = 64;
/// Entries of one directory.
const MAX_ENTRIES: usize = 20_000;
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A search that goes on.
pub(super) struct Search {
    pattern: Regex,
    glob: Option<GlobMatcher>,
    stop: Arc<AtomicBool>,
    end: Instant,
    found: Vec<u8>,
    matches: usize,
    files: usize,
    bytes: u64,
    /// What it left out, once.
    limit: Option<&'static str>,
    skipped: usize,
}

impl Search {
    pub fn new(pattern: Regex, glob: Option<GlobMatcher>, stop: Arc<AtomicBool>) -> Self {
        let end = Instant::now() + LIMIT;
        let (found, limit) = (Vec::new(), None);
        Self { pattern, glob, stop, end, found, matches: 0, files: 0, bytes: 0, limit, skipped: 0 }
    }

    /// Whether a file is searched, by its path and size.
    pub fn wants(&mut self, path: &str, size: u64) -> bool {
        if self.glob.as_ref().is_some_and(|glob| !glob.is_match(path)) {
            return false;
        }
        if size > MAX_FILE {
            self.skipped += 1;
            return false;
        }
        true
    }

    /// Whether it need not go on.
    pub fn is_done(&mut self) -> bool {
        let limit = match () {
            () if self.matches >= MAX_MATCHES => Some("only the first 300 matches are shown"),
            () if self.files >= MAX_FILES => Some("only the first 20,000 files were searched"),
            () if self.bytes >= MAX_BYTES => Some("only the first 128 MiB were searched"),
            () if Instant::now() > self.end => Some("the search ended after 10 s"),
            () => None,
        };
        self.limit = self.limit.or(limit);
        self.limit.is_some() || self.stop.load(Ordering::Relaxed)
    }

    /// Searches all files below a directory. Links are not followed.
    pub fn walk(&mut self, dir: Dir, path: &str) {
        let mut open_dirs = vec![(dir, path.to_owned(), 0)];
        while let Some((dir, path, depth)) = open_dirs.pop() {
            let Ok((found, _)) = entries(&dir, MAX_ENTRIES) else {
                self.skipped += 1;
                continue;
            };
            let mut below = Vec::new();
            for entry in found {
                if self.is_done() {
                    return;
                }
                let inner = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
                match entry.sort {
                    Sort::Directory if depth < MAX_DEPTH => {
                        if let Ok(dir) = step(&dir, &entry.name) {
                            below.push((dir, inner, depth + 1));
                        }
                    }
                    Sort::File => self.read(&dir, &entry.name, &inner),
                    _ => {}
                }
            }
            below.reverse();
            open_dirs.append(&mut below);
        }
    }

    fn read(&mut self, dir: &Dir, name: &str, path: &str) {
        let Ok((file, seen)) = open(dir, name) else { return };
        if !seen.is_file() || !self.wants(path, seen.len()) {
            return;
        }
        let mut content = Vec::new();
        if file.take(MAX_FILE).read_to_end(&mut content).is_ok() {
            self.file(path, &content);
        }
    }

    /// Searches one file.
    pub fn file(&mut self, path: &str, content: &[u8]) {
        self.files += 1;
        self.bytes += content.len() as u64;
        if self.is_done() || is_binary(content) {
            return;
        }
        for (at, line) in split(content).enumerate() {
            if self.pattern.is_match(line) {
                let path = path.replace(['\n', '\r'], "?");
                self.found.extend_from_slice(format!("{path}:{}: ", at + 1).as_bytes());
                self.found.extend_from_slice(&clip(line));
                self.found.push(b'\n');
                self.matches += 1;
                if self.is_done() {
                    return;
                }
            }
        }
    }

    /// What was found, and what was left out.
    pub fn report(mut self) -> Vec<u8> {
        if self.matches == 0 {
            self.found.extend_from_slice(b"[no line matches]\n");
        }
        if self.skipped > 0 {
            let left_out = format!("[{} files or directories are too large or cannot be read]\n", self.skipped);
            self.found.extend_from_slice(left_out.as_bytes());
        }
        if let Some(limit) = self.limit {
            self.found.extend_from_slice(format!("[{limit}; narrow the search]\n").as_bytes());
        }
        self.found
    }
}
