//! Opens the archive of sessions that the configuration names. Credentials come from the environment, as the vendors'
//! own tools read them: `AWS_ACCESS_KEY_ID`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME`, …

mod probe;

pub use probe::probe;

use crate::{config::Config, exit::Failure};
use flotilla_workers::{
    archive::{Archive, Objects, with_archive},
    metrics::Metrics,
    store::Store,
};
use object_store::{
    ClientConfigKey, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    local::LocalFileSystem,
    path::Path,
};
use std::{sync::Arc, time::Duration};

/// How long one request may take: an object is 32 MiB at most, or a little more.
const REQUEST: &str = "60 s";
const CONNECT: &str = "5 s";
/// How long a request that fails is tried again.
const RETRY: Duration = Duration::from_secs(15);
const RETRIES: usize = 3;

/// A store with its archive behind it, and the archive.
type Behind = (Arc<dyn Store>, Option<Arc<Archive>>);

/// `store`, with the archive behind it if one is configured.
pub fn behind(store: Arc<dyn Store>, config: &Config, metrics: &Arc<Metrics>) -> Result<Behind, Failure> {
    let Some(url) = &config.sessions.archive_url else { return Ok((store, None)) };
    let (objects, below) = open(url).map_err(|why| Failure::usage(format!("sessions.archive_url: {why}")))?;
    let objects = Objects::new(objects, below);
    let archive = Archive::new(Arc::clone(&store), objects, config.sessions.keep_archives, Arc::clone(metrics));
    let archive = Arc::new(archive);
    Ok((with_archive(store, Arc::clone(&archive)), Some(archive)))
}

/// What is wrong with an address, before anything is opened.
pub fn check(url: &str) -> Result<(), String> {
    split(url).map(drop)
}

fn split(url: &str) -> Result<(&str, &str, &str), String> {
    let wrong = || "use file:///DIRECTORY, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX".to_owned();
    if url.contains(['?', '#', '@']) {
        return Err(format!("{}; credentials are read from the environment", wrong()));
    }
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    match scheme {
        "file" if bucket.is_empty() && !prefix.is_empty() => Ok((scheme, rest, "")),
        "s3" | "gs" | "az" if !bucket.is_empty() => Ok((scheme, bucket, prefix)),
        _ => Err(wrong()),
    }
}

/// The store of objects that an address names, and the place in it.
fn open(url: &str) -> Result<(Arc<dyn ObjectStore>, Path), String> {
    let (scheme, bucket, prefix) = split(url)?;
    let said = |error: object_store::Error| error.to_string();
    // One by one, since the environment says other things of the client.
    let limits = [(ClientConfigKey::Timeout, REQUEST), (ClientConfigKey::ConnectTimeout, CONNECT)];
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY, ..RetryConfig::default() };
    let store: Arc<dyn ObjectStore> = match scheme {
        "file" => Arc::new(directory(bucket)?),
        "s3" => {
            let builder =
                limits.into_iter().fold(AmazonS3Builder::from_env().with_retry(retry), |builder, (key, limit)| {
                    builder.with_config(AmazonS3ConfigKey::Client(key), limit)
                });
            Arc::new(builder.with_bucket_name(bucket).build().map_err(said)?)
        }
        "gs" => {
            let builder = GoogleCloudStorageBuilder::from_env().with_retry(retry);
            let builder = limits
                .into_iter()
                .fold(builder, |builder, (key, limit)| builder.with_config(GoogleConfigKey::Client(key), limit));
            Arc::new(builder.with_bucket_name(bucket).build().map_err(said)?)
        }
        _ => {
            let builder = MicrosoftAzureBuilder::from_env().with_retry(retry);
            let builder = limits
                .into_iter()
                .fold(builder, |builder, (key, limit)| builder.with_config(AzureConfigKey::Client(key), limit));
            Arc::new(builder.with_container_name(bucket).build().map_err(said)?)
        }
    };
    Ok((store, Path::parse(prefix.trim_end_matches('/')).map_err(|e| e.to_string())?))
}

/// What was said is nobody else's business, and must outlive a power cut before it goes off the record.
fn directory(path: &str) -> Result<LocalFileSystem, String> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|e| format!("cannot make the directory {path}: {e}"))?;
    let files = LocalFileSystem::new_with_prefix(path).map_err(|e| e.to_string())?;
    Ok(files.with_fsync(true).with_automatic_cleanup(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_objects_are_and_no_secret() {
        for good in ["file:///srv/archive", "s3://bucket", "s3://bucket/a/b/", "gs://b/c", "az://container/x"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for wrong in ["", "/srv", "file://srv", "s3:///x", "s3://key:secret@bucket", "az://c?sig=x", "ftp://a/b"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
