//! What tells one review of a work tree from another: what was asked for, and the commits that this names now.

use super::{Error, collect, host::Host, watch::Watch};
use crate::hex::hex;
use flotilla_jobs::kinds::Source;
use sha2::{Digest, Sha256};

/// A review of a work tree. Two that are equal look at the same commits; what is not committed may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The same for the same words: work tree, base, head, and whether what is not committed belongs to it.
    pub words: String,
    /// What these words mean now: the commit that it is compared with, and the newest.
    pub commits: String,
}

/// What a source asks for now; `None` where it is no work tree.
pub async fn asked(source: &Source, host: &Host, watch: &Watch) -> Result<Option<Asked>, Error> {
    let Some([base, head]) = collect::commits(source, host, watch).await? else { return Ok(None) };
    // A source is plain data, which always is JSON.
    let words = serde_json::to_vec(source).map_err(|error| Error::Broken(error.to_string()))?;
    let words = hex(&Sha256::digest(words)[..16]);
    Ok(Some(Asked { words, commits: format!("{base}..{head}") }))
}
