//! Files of a revision, from git's objects.

use super::{
    path::{Inside, is_git},
    tree::{Entry, Sort},
};
use crate::{
    agents::tool::ToolError,
    review::{GitError, git::Git},
};
use std::collections::HashMap;

/// Largest file that is read, in bytes.
const MAX_FILE: usize = 8 << 20;
/// Largest list of files, in bytes.
const MAX_LIST: usize = 16 << 20;

/// A commit of a repository.
#[derive(Clone)]
pub(super) struct Revision {
    git: Git,
    commit: String,
}

/// A file of a commit.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub path: String,
    pub id: String,
    pub size: u64,
    pub executable: bool,
}

impl Revision {
    pub fn new(git: Git, commit: String) -> Self {
        Self { git, commit }
    }

    /// A regular file.
    pub async fn read(&self, path: &Inside) -> Result<Vec<u8>, ToolError> {
        let (mode, id) = self.find(path).await?;
        let path = path.text();
        match mode.as_str() {
            "100644" | "100755" | "100664" => {}
            "120000" => return Err(ToolError::said(format!("`{path}` is a link, which is not followed"))),
            "160000" => return Err(ToolError::said(format!("`{path}` is a submodule, whose files are not here"))),
            _ => return Err(ToolError::said(format!("`{path}` is a directory; use list_dir"))),
        }
        self.git.call(["cat-file", "blob"]).arg(id).at_most(MAX_FILE).run().await.map_err(|error| git_said(&error))
    }

    /// What is in a directory.
    pub async fn list(&self, path: &Inside) -> Result<Vec<Entry>, ToolError> {
        let id = if path.is_root() {
            self.commit.clone()
        } else {
            let (mode, id) = self.find(path).await?;
            if mode != "040000" {
                return Err(ToolError::said(format!("`{}` is not a directory", path.text())));
            }
            id
        };
        let listed = self.git.call(["ls-tree", "-z", "-l", "--full-tree"]).arg(id).at_most(MAX_LIST).run().await;
        let listed = listed.map_err(|error| git_said(&error))?;
        let entry = |(mode, _, size, name): (&str, &str, Option<u64>, String)| {
            let sort = match mode {
                "040000" => Sort::Directory,
                "120000" => Sort::Link,
                "160000" => Sort::Submodule,
                _ => Sort::File,
            };
            Entry { name, sort, size: if sort == Sort::File { size } else { None } }
        };
        let mut found: Vec<_> = lines(&listed).map(entry).filter(|entry| !is_git(&entry.name)).collect();
        found.sort();
        Ok(found)
    }

    /// Every regular file below a directory.
    pub async fn files(&self, below: &Inside) -> Result<Vec<Blob>, ToolError> {
        let call = self.git.call(["ls-tree", "-r", "-z", "-l", "--full-tree"]).arg(&self.commit);
        let listed = call.at_most(MAX_LIST).run().await.map_err(|error| git_said(&error))?;
        let prefix = if below.is_root() { String::new() } else { format!("{}/", below.text()) };
        let file = |(mode, id, size, path): (&str, &str, Option<u64>, String)| {
            let wanted = mode.starts_with("100") && (path.starts_with(&prefix) || path == below.text());
            wanted.then(|| Some(Blob { path, id: id.to_owned(), size: size?, executable: mode == "100755" })).flatten()
        };
        Ok(lines(&listed).filter_map(file).collect())
    }

    /// The contents of files, by their id.
    pub async fn contents(&self, blobs: &[Blob], max: usize) -> Result<HashMap<String, Vec<u8>>, ToolError> {
        if blobs.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: String = blobs.iter().flat_map(|blob| [blob.id.as_str(), "\n"]).collect();
        let call = self.git.call(["cat-file", "--batch"]).input(ids.into_bytes()).at_most(max + 128 * blobs.len());
        let said = call.run().await.map_err(|error| git_said(&error))?;
        let mut found = HashMap::new();
        let mut rest = said.as_slice();
        while let Some(end) = rest.iter().position(|&b| b == b'\n') {
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 1..];
            let mut words = head.split(' ');
            if let (Some(id), Some("blob"), Some(Ok(size))) =
                (words.next(), words.next(), words.next().map(str::parse::<usize>))
                && rest.len() > size
            {
                found.insert(id.to_owned(), rest[..size].to_vec());
                rest = &rest[size + 1..];
            }
        }
        Ok(found)
    }

    /// The mode and id of something.
    async fn find(&self, path: &Inside) -> Result<(String, String), ToolError> {
        let text = path.text();
        if path.is_root() {
            return Ok(("040000".to_owned(), self.commit.clone()));
        }
        let call = self.git.call(["ls-tree", "-z", "-l", "--full-tree"]).arg(&self.commit).arg("--").arg(&text);
        let listed = call.run().await.map_err(|error| git_said(&error))?;
        let found =
            lines(&listed).find(|(.., name)| *name == text).map(|(mode, id, ..)| (mode.to_owned(), id.to_owned()));
        found.ok_or_else(|| ToolError::said(format!("there is no `{text}` in this revision")))
    }
}

/// The commit that a name stands for; it is one of a repository's own names, and nothing that git would take for an
/// option, a search or a range.
pub(super) async fn resolve(git: &Git, name: &str) -> Result<String, ToolError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_./~^-".contains(&b);
    if name.is_empty() || name.len() > 256 || name.starts_with('-') || name.contains("..") || !name.bytes().all(fits) {
        let what = "the revision is not a commit, branch or tag such as `HEAD~2` or `main`; letters, digits and `_./~^-` are taken";
        return Err(ToolError::said(what));
    }
    let call = git.call(["rev-parse", "--verify", "--quiet", "--end-of-options"]).arg(format!("{name}^{{commit}}"));
    let answer = call.answer().await.map_err(|error| git_said(&error))?;
    let id = String::from_utf8_lossy(&answer.output).trim().to_owned();
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
    if answer.code == Some(0) && is_id {
        Ok(id)
    } else {
        Err(ToolError::said(format!("there is no revision `{name}`")))
    }
}

/// What git complains of, for a model.
pub(super) fn git_said(error: &GitError) -> ToolError {
    match error {
        GitError::Interrupted => ToolError::Interrupted,
        error => ToolError::said(error.to_string()),
    }
}

/// Lines of `ls-tree -z -l`: mode, id, size, path.
fn lines(listed: &[u8]) -> impl Iterator<Item = (&str, &str, Option<u64>, String)> {
    listed.split(|&b| b == 0).filter_map(|line| {
        let tab = line.iter().position(|&b| b == b'\t')?;
        let head = std::str::from_utf8(&line[..tab]).ok()?;
        let mut words = head.split_ascii_whitespace();
        let (mode, _, id, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
        Some((mode, id, size.parse().ok(), String::from_utf8_lossy(&line[tab + 1..]).into_owned()))
    })
}
