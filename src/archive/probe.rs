//! Whether the archive can be used: an object is written, read back and removed, as sessions are.

use super::open;
use flotilla_workers::archive::harmless;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use std::time::Duration;
use tokio::time::timeout;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(20);
/// What is written.
const CONTENT: &[u8] = b"flotilla doctor\n";
/// Most characters of what a server says that are repeated.
const MAX_SAID: usize = 500;

/// Why the archive cannot be used, and what to do about it.
#[derive(Debug)]
pub struct Trouble {
    pub found: String,
    pub fix: &'static str,
}

/// Writes, reads and removes an object that no session has.
pub async fn probe(url: &str) -> Result<(), Trouble> {
    let (store, below) = open(url).map_err(|found| Trouble { found, fix: "correct sessions.archive_url" })?;
    let path = below.join("doctor").join(flotilla_jobs::JobId::new().to_string());
    match timeout(LIMIT, round(&*store, &path)).await {
        Ok(done) => done,
        Err(_) => Err(Trouble { found: format!("does not answer within {} s", LIMIT.as_secs()), fix: REACH }),
    }
}

async fn round(store: &dyn ObjectStore, path: &Path) -> Result<(), Trouble> {
    store.put(path, PutPayload::from_static(CONTENT)).await.map_err(|error| trouble("written", &error))?;
    let read = async { store.get(path).await?.bytes().await }.await;
    // Also where it could not be read.
    let removed = store.delete(path).await;
    let read = read.map_err(|error| trouble("read", &error))?;
    if read != CONTENT {
        let found = "an object is not what was written".to_owned();
        return Err(Trouble { found, fix: "use a place that nothing else writes to or changes" });
    }
    removed.map_err(|error| trouble("removed", &error))
}

const REACH: &str =
    "see whether the place can be reached from here, and what the environment says of it (AWS_ENDPOINT, …)";

fn trouble(what: &str, error: &Error) -> Trouble {
    let fix = match error {
        Error::NotFound { .. } => "make the bucket, or correct sessions.archive_url",
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "correct the credentials in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, GOOGLE_SERVICE_ACCOUNT, \
             AZURE_STORAGE_ACCOUNT_NAME, …), and let them write, read and delete objects there"
        }
        _ => REACH,
    };
    // What lies behind it says the same without the name of the object, which means nothing to anybody.
    let said = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let said = harmless(&said);
    Trouble { found: format!("an object was not {what}: {}", said.chars().take(MAX_SAID).collect::<String>()), fix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_is_tried_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("file://{}/archive", dir.path().display());
        probe(&url).await.unwrap();
        let left = std::fs::read_dir(dir.path().join("archive")).unwrap().count();
        assert_eq!(left, 0, "something is left");

        std::fs::write(dir.path().join("file"), "").unwrap();
        let trouble = probe(&format!("file://{}/file/below", dir.path().display())).await.unwrap_err();
        assert!(trouble.found.contains("cannot make the directory"), "{trouble:?}");
    }
}
