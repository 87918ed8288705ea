//! A job kind of your own takes one file: its input, its output, its defaults and what makes an input valid.
//!
//! The worker's side is one more: `impl Handler<Thumbnail> for …` in a binary of yours that uses `flotilla-workers`.
//!
//!     cargo run -p flotilla-jobs --example own_kind

use flotilla_jobs::{Group, Invalid, Job, NewJob, Options};
use serde::{Deserialize, Serialize};

/// Makes a small picture of a large one.
#[derive(Debug, Serialize, Deserialize)]
struct Thumbnail {
    /// Where the picture is.
    url: String,
    /// Longest edge, in pixels.
    edge: u32,
    /// Added later: jobs that were waiting when it was added do not have it.
    #[serde(default)]
    gray: bool,
}

/// What comes of it.
#[derive(Debug, Serialize, Deserialize)]
struct Picture {
    url: String,
    bytes: u64,
}

impl Job for Thumbnail {
    const KIND: &'static str = "thumbnail";
    type Output = Picture;

    fn defaults() -> Options {
        Options { max_attempts: Some(5), timeout_ms: Some(60_000), ..Options::default() }
    }

    fn validate(&self) -> Result<(), Invalid> {
        if !(16..=4_096).contains(&self.edge) {
            return Err(Invalid::new("edge", format!("is {}; use 16 to 4096", self.edge)));
        }
        Ok(())
    }
}

fn main() -> Result<(), Invalid> {
    let job = Thumbnail { url: "https://example.org/cat.png".to_owned(), edge: 256, gray: false };
    // At most two at a time for one site, in the order they came.
    let group = Group { key: "site:example.org".to_owned(), limit: 2 };
    let new = NewJob::of(&job)?.with(Options { group: Some(group), ..Options::default() });
    // With the feature `client`: `Client::new("http://127.0.0.1:8080")?.submit(vec![new]).await?`.
    println!("{} {}", new.kind, new.payload.get());

    let wrong = Thumbnail { edge: 3, ..job };
    println!("refused before it is sent: {}", NewJob::of(&wrong).map_or_else(|e| e.to_string(), |new| new.kind));
    Ok(())
}
