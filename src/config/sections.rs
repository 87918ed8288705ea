//! One struct for each concern.

use super::{
    budgets::Budgets,
    mcp::{self, Mcp},
    safety::Safety,
    tools::Tools,
};
use flotilla_jobs::{Invalid, check_name};
use flotilla_workers::{
    agents::{
        CacheLimits, Kit,
        model::{Catalog, ModelSettings, ProviderSettings, RouteSettings, Settings},
    },
    cache::Bounds,
    producer::MaxWaiting,
    store::AdoptSource,
};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

/// Everything the process is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub store: Store,
    pub worker: Worker,
    pub http: Http,
    pub submit: Submit,
    pub budgets: Budgets,
    pub health: Health,
    pub log: Log,
    pub telemetry: Telemetry,
    pub agents: Agents,
    pub safety: Safety,
    pub sessions: Sessions,
    pub tools: Tools,
    /// By agent, instead of what its file says.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub mcp: BTreeMap<String, Mcp>,
    #[serde(default)]
    pub queues: BTreeMap<String, Queue>,
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderSettings>,
    #[serde(default)]
    pub models: BTreeMap<String, ModelSettings>,
    #[serde(default)]
    pub routes: BTreeMap<String, RouteSettings>,
}

impl Config {
    /// How many jobs may wait before submits are refused.
    pub fn max_waiting(&self) -> MaxWaiting {
        let own = self.queues.iter().filter_map(|(name, queue)| Some((name.clone(), queue.max_waiting?)));
        MaxWaiting { each: self.submit.max_waiting, queues: own.collect() }
    }

    /// What agents may do beside talking.
    pub fn kit(&self) -> Result<Kit, Invalid> {
        let servers: Vec<String> = mcp::names(&self.mcp).collect();
        mcp::add(self.tools.kit(&servers)?, &self.mcp)
    }

    /// The models that may be called, who serves them, and the routes to them.
    pub fn catalog(&self) -> Result<Catalog, Invalid> {
        let (providers, models, routes) = (self.providers.clone(), self.models.clone(), self.routes.clone());
        Catalog::new(Settings { providers, models, routes })
    }
}

/// The server that the commands talk to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    #[serde(deserialize_with = "text")]
    pub url: Option<String>,
    pub timeout_ms: u64,
    #[serde(deserialize_with = "secret")]
    pub token: Option<SecretString>,
    #[serde(rename = "token_file")]
    _token_file: String,
}

/// Where jobs are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    #[serde(deserialize_with = "text")]
    pub url: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub redis_url: Option<SecretString>,
    #[serde(deserialize_with = "secret")]
    pub postgres_url: Option<SecretString>,
    pub prefix: String,
    #[serde(deserialize_with = "text")]
    pub schema: Option<String>,
    pub pool: u32,
    pub redis_timeout_ms: u64,
    pub postgres_timeout_ms: u64,
    #[serde(rename = "redis_url_file")]
    _redis_url_file: String,
    #[serde(rename = "postgres_url_file")]
    _postgres_url_file: String,
}

/// How jobs are run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    pub concurrency: usize,
    pub queues: BTreeMap<String, u32>,
    pub lease_ms: u64,
    pub renew_ms: u64,
    pub drain_ms: u64,
    pub hard_stop_ms: u64,
    pub max_unrecorded: usize,
    pub max_unrecorded_mib: usize,
    pub poll_ms: u64,
    pub prune_after_days: u64,
    pub prune_after_days_of: BTreeMap<String, u64>,
    pub prune_spend_after_days: u64,
    #[serde(deserialize_with = "adopt")]
    pub adopt: Vec<AdoptSource>,
    pub drills: bool,
    pub http: WorkerHttp,
}

/// Where a worker answers probes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerHttp {
    pub listen: Listen,
}

/// The API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: Listen,
    #[serde(deserialize_with = "secret")]
    pub token: Option<SecretString>,
    pub max_body_bytes: usize,
    pub max_bodies_bytes: usize,
    pub max_connections: usize,
    pub max_streams: usize,
    pub header_timeout_ms: u64,
    pub body_timeout_ms: u64,
    pub timeout_ms: u64,
    pub linger_ms: u64,
    pub drain_ms: u64,
    pub accept_unknown_kinds: bool,
    pub review_roots: Vec<PathBuf>,
    #[serde(rename = "token_file")]
    _token_file: String,
}

/// What is let in.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// 0 is "no limit".
    pub max_waiting: u64,
}

/// When a process calls itself unhealthy.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    pub min_disk_free_mib: u64,
    pub min_memory_free_mib: u64,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

/// What agents are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    #[serde(deserialize_with = "text")]
    pub dir: Option<String>,
    pub cache: AgentCache,
}

/// How much of what agents said is kept to be found again.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the names of the settings")]
pub struct AgentCache {
    pub max_entries: u64,
    pub max_mib: u64,
    pub max_entry_bytes: usize,
}

impl AgentCache {
    /// The same for agents.
    pub fn limits(&self) -> CacheLimits {
        let most = Bounds { entries: self.max_entries, bytes: self.max_mib << 20 };
        CacheLimits { most, entry_bytes: self.max_entry_bytes }
    }
}

/// What becomes of conversations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    #[serde(deserialize_with = "text")]
    pub archive_url: Option<String>,
    /// 0 is "never".
    pub archive_after_days: u32,
    pub keep_archives: bool,
}

/// What is told to other systems.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    #[serde(deserialize_with = "text")]
    pub traces_url: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub traces_headers: Option<SecretString>,
    #[serde(rename = "traces_headers_file")]
    _traces_headers_file: String,
    pub traces_share: f64,
    pub prompts: bool,
    #[serde(deserialize_with = "text")]
    pub service_name: Option<String>,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Pretty,
    Json,
}

/// A queue of the fleet.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    pub cap: Option<u32>,
    /// 0 is "no limit".
    pub max_waiting: Option<u64>,
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    On(SocketAddr),
    Off,
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self::Off);
        }
        let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let address = numeric.as_deref().unwrap_or(&text).parse();
        address
            .map(Self::On)
            .map_err(|_| D::Error::custom(format!("`{text}` is not an address; use IP:PORT such as 127.0.0.1:8080")))
    }
}

/// `SOURCE=KIND@QUEUE`, for each.
fn adopt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AdoptSource>, D::Error> {
    let source = |text: &String| {
        // A type's name may hold anything but these two.
        let (source, (kind, queue)) = text.split_once('=').and_then(|(s, to)| Some((s, to.split_once('@')?)))?;
        let named = check_name("kind", kind).and(check_name("queue", queue)).is_ok() && !source.is_empty();
        named.then(|| AdoptSource { source: source.to_owned(), kind: kind.to_owned(), queue: queue.to_owned() })
    };
    let texts = Vec::<String>::deserialize(deserializer)?;
    let parsed = texts.iter().map(|text| {
        source(text)
            .ok_or_else(|| D::Error::custom(format!("`{text}`: use SOURCE=KIND@QUEUE, as in app::Mail=mail@default")))
    });
    parsed.collect()
}

/// An empty text is "not set".
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(text(deserializer)?.map(SecretString::from))
}
