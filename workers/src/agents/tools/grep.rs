//! `grep`: lines that match a pattern, in time that grows with the text alone.

use super::{Files, blocking, find::Search, path::Inside, read_arguments, revision::Revision, spec};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Pure, ToolError},
};
use async_trait::async_trait;
use globset::{GlobBuilder, GlobMatcher};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 1_000;
/// Memory of a compiled pattern, in bytes.
const MAX_REGEX: usize = 1 << 20;
/// Bytes of files that are read at once from a revision.
const BATCH: u64 = 16 << 20;

pub(super) struct Grep(pub Files);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    pattern: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    glob: Option<String>,
    #[serde(default)]
    ignore_case: bool,
}

/// Tells a search on another thread that nobody waits for it any more.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Pure for Grep {
    fn spec(&self) -> ToolSpec {
        let properties = json!({
            "pattern": {"type": "string", "description": "a regular expression for one line (Rust's regex syntax, no look-around)"},
            "path": {"type": "string", "description": "a directory below the root; the root where it is left out"},
            "glob": {"type": "string", "description": "only files whose path fits, such as **/*.rs"},
            "ignore_case": {"type": "boolean"},
        });
        spec("grep", "Finds lines of text files that match a pattern.", &properties, &["pattern"])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Wanted = read_arguments(arguments)?;
        let path = Inside::read(&wanted.path)?;
        let glob = wanted.glob.as_deref().map(glob).transpose()?;
        let stop = Arc::new(AtomicBool::new(false));
        let _ended = Ended(stop.clone());
        let search = Search::new(pattern(&wanted)?, glob, stop);
        let found = match &self.0 {
            Files::Tree(tree) => {
                let tree = tree.clone();
                blocking(move || {
                    let dir = tree.dir(&path)?;
                    let mut search = search;
                    search.walk(dir, &path.text());
                    Ok(search)
                })
                .await?
            }
            Files::Revision(revision) => in_revision(revision, &path, search).await?,
        };
        Ok(found.report())
    }
}

async fn in_revision(revision: &Revision, path: &Inside, mut search: Search) -> Result<Search, ToolError> {
    let mut all = revision.files(path).await?;
    all.retain(|blob| search.wants(&blob.path, blob.size));
    let mut rest = all.as_slice();
    while !rest.is_empty() && !search.is_done() {
        let mut bytes = 0;
        let count = rest.iter().take_while(|blob| {
            bytes += blob.size;
            bytes <= BATCH
        });
        let (batch, later) = rest.split_at(count.count().max(1));
        rest = later;
        let contents = revision.contents(batch, BATCH as usize).await?;
        let batch = batch.to_vec();
        search = blocking(move || {
            for blob in batch {
                if let Some(content) = contents.get(&blob.id) {
                    search.file(&blob.path, content);
                }
            }
            Ok(search)
        })
        .await?;
    }
    Ok(search)
}

fn pattern(wanted: &Wanted) -> Result<Regex, ToolError> {
    if wanted.pattern.len() > MAX_PATTERN {
        return Err(ToolError::said(format!("the pattern is longer than {MAX_PATTERN} bytes")));
    }
    let mut builder = RegexBuilder::new(&wanted.pattern);
    builder.size_limit(MAX_REGEX).dfa_size_limit(MAX_REGEX).case_insensitive(wanted.ignore_case);
    builder.build().map_err(|error| ToolError::said(format!("the pattern cannot be used: {error}")))
}

fn glob(text: &str) -> Result<GlobMatcher, ToolError> {
    if text.len() > MAX_PATTERN {
        return Err(ToolError::said(format!("the glob is longer than {MAX_PATTERN} bytes")));
    }
    // `*.rs` is meant for files in any directory.
    let anywhere = if text.contains('/') { text.to_owned() } else { format!("**/{text}") };
    let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
    Ok(glob.map_err(|error| ToolError::said(format!("the glob cannot be used: {error}")))?.compile_matcher())
}
