//! A job's own copy of a revision, for tools that change files. Nothing but regular files and directories is in it, made
//! by us: no link, no git directory, no name that leads out. It is gone with the last tool that uses it; one that a
//! killed process left is removed by the next process that makes one.

mod copy;
mod place;
mod room;

use super::{BadReading, Files, Reading, patch::ApplyPatch, path::Inside, tree::Tree, write::WriteFile};
use crate::agents::tool::{Role, Tool, ToolError, Toolbox};
use place::Place;
use room::Room;
pub use room::ScratchLimits;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Largest file that a tool may write, in bytes.
pub(super) const MAX_FILE: usize = 1 << 20;
/// Bytes of files that are copied at once.
const BATCH: u64 = 16 << 20;
/// Largest file that is copied, in bytes; a larger one is not there.
const MAX_COPY: u64 = 8 << 20;

/// A work tree of a job's own. Cheap to clone.
#[derive(Clone)]
pub struct Scratch {
    reading: Reading,
    inner: Arc<Inner>,
}

struct Inner {
    tree: Tree,
    changes: Mutex<Changes>,
    left_out: usize,
    // Last, so that nothing is open in it when it goes.
    place: Place,
}

/// What is there, and what was done by whom.
struct Changes {
    room: Room,
    done: HashMap<String, Done>,
}

/// A call that changed something.
struct Done {
    said: Vec<u8>,
    /// What each file held afterwards; `None` where there was none.
    left: Vec<(Inside, Option<Hash>)>,
}

type Hash = [u8; 32];

/// One file as a call leaves it.
pub(super) struct Change {
    pub path: Inside,
    /// `None` where it is removed.
    pub content: Option<Vec<u8>>,
}

impl Scratch {
    /// Copies a revision into a directory below `parent`, which is made where it is not there, for this user only.
    /// Links and submodules are not copied.
    pub async fn new(reading: &Reading, parent: &Path) -> Result<Self, BadReading> {
        let Files::Revision(revision) = &reading.files else {
            return Err(BadReading::Revision("a work tree of one's own is made of a revision".to_owned()));
        };
        let said = |error: ToolError| BadReading::Revision(error.to_string());
        let top = Inside::read("").map_err(said)?;
        let all = revision.files(&top).await.map_err(said)?;
        let count = all.len();
        let files: Vec<_> = all
            .into_iter()
            .filter(|blob| blob.size <= MAX_COPY)
            .filter_map(|blob| Inside::read(&blob.path).ok().map(|path| (path, blob)))
            .collect();
        let mut left_out = count - files.len();
        let parent = parent.to_owned();
        let place = on_a_thread(move || Place::make(&parent)).await?;
        let tree = Tree::open(&place.tree())?;
        let mut room = Room::new(tree.root(), Tree::open(&place.staging())?.root(), ScratchLimits::default());
        let mut rest = files.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let take = rest.iter().take_while(|(_, blob)| {
                bytes += blob.size;
                bytes <= BATCH
            });
            let (batch, after) = rest.split_at(take.count().max(1));
            rest = after;
            let blobs: Vec<_> = batch.iter().map(|(_, blob)| blob.clone()).collect();
            let contents = revision.contents(&blobs, 2 * BATCH as usize).await.map_err(said)?;
            let batch: Vec<_> = batch.iter().map(|(path, blob)| (path.clone(), blob.clone())).collect();
            let copy = move || {
                let mut missing = 0;
                for (path, blob) in &batch {
                    match contents.get(&blob.id) {
                        Some(content) => room.copy(path, content, blob.executable)?,
                        None => missing += 1,
                    }
                }
                Ok((room, missing))
            };
            let missing;
            (room, missing) = on_a_thread(copy).await?;
            left_out += missing;
        }
        let changes = Mutex::new(Changes { room, done: HashMap::new() });
        let reading = Reading { files: Files::Tree(tree.clone()), git: reading.git.clone() };
        Ok(Self { reading, inner: Arc::new(Inner { tree, changes, left_out, place }) })
    }

    /// One without any file, for work that is about no repository. `parent` is made as for [`Scratch::new`].
    pub async fn empty(parent: &Path, limits: ScratchLimits) -> io::Result<Self> {
        let parent = parent.to_owned();
        let make = move || {
            let place = Place::make(&parent)?;
            let tree = Tree::open(&place.tree())?;
            let room = Room::new(tree.root(), Tree::open(&place.staging())?.root(), limits);
            Ok((place, tree, room))
        };
        let (place, tree, room) = on_a_thread(make).await?;
        let changes = Mutex::new(Changes { room, done: HashMap::new() });
        let reading = Reading { files: Files::Tree(tree.clone()), git: None };
        Ok(Self { reading, inner: Arc::new(Inner { tree, changes, left_out: 0, place }) })
    }

    /// Removes what processes that are gone left below `parent`.
    pub async fn sweep(parent: &Path) -> io::Result<()> {
        let parent = parent.to_owned();
        on_a_thread(move || place::sweep(&parent)).await
    }

    /// Tools that read it, and `write_file` and `apply_patch`.
    pub fn toolbox(&self) -> Toolbox {
        self.reading
            .toolbox()
            .with_role(Tool::Effect(Arc::new(WriteFile(self.clone()))), Role::FilesystemWrite)
            .with_role(Tool::Effect(Arc::new(ApplyPatch(self.clone()))), Role::FilesystemWrite)
    }

    /// Where its files are.
    pub fn dir(&self) -> PathBuf {
        self.inner.place.tree()
    }

    /// Files of the revision that were not copied: too large, or with a name that is not taken.
    pub fn left_out(&self) -> usize {
        self.inner.left_out
    }

    /// Makes changes, all or none of them as far as the file system lets us, and keeps under `key` what came of it.
    /// `make` is given nothing of what other calls do meanwhile.
    pub(super) fn change(
        &self,
        key: &str,
        make: impl FnOnce(&Tree) -> Result<(Vec<Change>, Vec<u8>), ToolError>,
    ) -> Result<Vec<u8>, ToolError> {
        let mut changes = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = changes.done.get(key) {
            return Ok(done.said.clone());
        }
        let (wanted, said) = make(&self.inner.tree)?;
        changes.room.fits(&wanted)?;
        let mut left = Vec::with_capacity(wanted.len());
        for Change { path, content } in wanted {
            let hash = content.as_deref().map(hash);
            match content {
                Some(content) => changes.room.write(&path, &content)?,
                None => changes.room.remove(&path)?,
            }
            left.push((path, hash));
        }
        changes.done.insert(key.to_owned(), Done { said: said.clone(), left });
        Ok(said)
    }

    /// What came of a call, if it was made in this tree and its files are still as it left them.
    pub(super) fn reconcile(&self, key: &str) -> Result<Option<Vec<u8>>, ToolError> {
        let changes = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(done) = changes.done.get(key) else { return Ok(None) };
        for (path, expected) in &done.left {
            let now = self.inner.tree.read(path, 2 * MAX_COPY).ok().map(|(bytes, _)| hash(&bytes));
            if now != *expected {
                return Err(ToolError::said(format!("`{}` was changed since", path.text())));
            }
        }
        Ok(Some(done.said.clone()))
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("dir", &self.dir()).finish_non_exhaustive()
    }
}

fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
