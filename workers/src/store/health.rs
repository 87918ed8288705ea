//! Asking a dependency whether it answers.

use super::{Dependency, Error};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What takes longer does not answer. Shorter than the patience of those who ask several dependencies at once, so that
/// they hear which one it is.
const PATIENCE: Duration = Duration::from_millis(1_500);

impl Dependency {
    /// How the dependency of this name is, by asking for its version.
    pub(crate) async fn ask(
        name: &str,
        required: bool,
        version: impl Future<Output = Result<String, Error>> + Send,
    ) -> Self {
        let start = Instant::now();
        let (ok, detail) = match timeout(PATIENCE, version).await {
            Ok(Ok(version)) => (true, version),
            Ok(Err(error)) => (false, error.to_string()),
            Err(_) => (false, format!("{name} does not answer within {} ms", PATIENCE.as_millis())),
        };
        Self { name: name.to_owned(), ok, required, latency_ms: start.elapsed().as_millis() as u64, detail }
    }
}
