//! Where objects are: a directory, or a bucket of S3, Google Cloud Storage or Azure.

use super::MAX_CONTENT;
use crate::store::Error;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use std::{fmt, sync::Arc};

/// Objects below one place of a store of objects.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    below: Path,
}

impl Objects {
    /// Those of `store` whose names begin with `below`.
    pub fn new(store: Arc<dyn ObjectStore>, below: Path) -> Self {
        Self { store, below }
    }

    /// Writes a new object.
    pub(super) async fn put(&self, name: &str, object: Vec<u8>) -> Result<(), Error> {
        let put = self.store.put(&self.path(name), PutPayload::from(object)).await;
        put.map(drop).map_err(|error| unavailable(name, "written", &error))
    }

    /// An object of this size; `None` where there is none of that name.
    pub(super) async fn get(&self, name: &str, bytes: u64) -> Result<Option<Vec<u8>>, Error> {
        let found = match self.store.get(&self.path(name)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(|error| unavailable(name, "read", &error))?,
        };
        // All of it is read into memory, so it is looked at first.
        if found.meta.size != bytes || bytes > MAX_CONTENT.saturating_mul(8) {
            return Err(corrupt(name, &format!("it has {} bytes, and {bytes} were written", found.meta.size)));
        }
        let read = found.bytes().await.map_err(|error| unavailable(name, "read", &error))?;
        Ok(Some(read.to_vec()))
    }

    /// Removes an object; one that is not there is gone.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(name, "removed", &error)),
        }
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.below.clone(), Path::join)
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("below", &self.below.as_ref()).finish_non_exhaustive()
    }
}

fn unavailable(name: &str, what: &str, error: &object_store::Error) -> Error {
    Error::Unavailable { what: "archive", detail: format!("{name} was not {what}: {}", harmless(&error.to_string())) }
}

/// An object that is not what it should be.
pub(super) fn corrupt(name: &str, what: &str) -> Error {
    Error::Corrupt { what: "archive", detail: format!("{name}: {what}") }
}

/// An error's words without what follows the question mark of an address: there may be a signature.
#[must_use]
pub fn harmless(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?…"),
        _ => word.to_owned(),
    });
    words.take(60).collect::<Vec<_>>().join(" ").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_not_said() {
        let said = harmless("error sending request for url (https://a.example/b/c?sv=1&sig=SECRET): no route");
        assert_eq!(said, "error sending request for url (https://a.example/b/c?… no route");
    }
}
