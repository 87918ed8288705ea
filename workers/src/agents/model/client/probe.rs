//! Whether a provider can be reached and takes its key: asks for its list of models, which costs nothing.

use super::{Attempt, Client, http, read};
use crate::agents::model::{Class, ModelError, Provider, refusal::Complaint, wire::Reader};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Most bytes of a list of models.
const MAX_LIST: usize = 4 * 1024 * 1024;

/// What a provider that works says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its names for its models; `None` where it has no list, and so its key was not tried.
    pub models: Option<Vec<String>>,
}

impl Client {
    /// Asks a provider for its models.
    pub async fn probe(&self, provider: &Provider) -> Result<Probe, ModelError> {
        let mut attempt = Attempt::new(provider, Reader::new(provider.wire, None), self.clock.now());
        let late =
            || Complaint::new(Class::Unreachable, super::late("did not answer", LIMIT, "the limit of this check"));
        match timeout(LIMIT, attempt.look(&self.pools)).await.unwrap_or_else(|_| Err(late())) {
            Ok(probe) => Ok(probe),
            Err(complaint) => Err(attempt.failed(&complaint)),
        }
    }
}

impl Attempt<'_> {
    async fn look(&mut self, pools: &http::Pools) -> Result<Probe, Complaint> {
        let response = pools.get(self.provider)?.await.map_err(|e| http::complaint(&e))?;
        self.heard(&response);
        let status = response.status();
        let mut body = response.bytes_stream().map(|chunk| chunk.map(Vec::from)).boxed();
        let body = read(&mut body, Vec::new(), MAX_LIST, LIMIT).await?;
        if matches!(status.as_u16(), 404 | 405 | 501) {
            return Ok(Probe { models: None });
        }
        if !status.is_success() {
            return Err(Complaint::of_status(status.as_u16(), &body));
        }
        Ok(Probe { models: names(&body) })
    }
}

fn names(body: &[u8]) -> Option<Vec<String>> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let list = body.get("data").or_else(|| body.get("models"))?.as_array()?;
    Some(list.iter().filter_map(|model| model.get("id")?.as_str().map(str::to_owned)).collect())
}
