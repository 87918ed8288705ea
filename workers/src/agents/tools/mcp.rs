//! Tools of MCP servers: programs and addresses that the operator names, each with the tools of it that agents may have.
//!
//! What a server says is somebody else's text: names are those of the configuration, descriptions and schemas are
//! bounded and spelled out, results are kept as those of any other tool. What was offered when a run began is on record
//! with it, so a server that changes its list changes no run; a call of what is not the same any more is not made. A run
//! has a server of its own, started with its first call and gone with it.

mod link;
mod offer;
mod remote;
mod server;
#[cfg(target_os = "linux")]
mod stdio;
mod trouble;
mod web;

pub use offer::Offered;

use super::super::tool::{Role, Toolbox};
#[cfg(target_os = "linux")]
use super::sandbox::Keeper;
use futures_util::future::join_all;
use link::Link;
use reqwest::Url;
use secrecy::SecretString;
use server::Server;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};
use trouble::Trouble;

/// How long what a server offers is taken to be the same, for runs that begin.
const KNOWN_FOR: Duration = Duration::from_mins(5);
/// Longest that a process that starts looks whether a server is there.
const LOOK: Duration = Duration::from_secs(10);
/// Most bytes of all that is offered to one run.
const MAX_OFFERED: usize = 256 << 10;

/// So many times its largest message may one process, or one stream of events, say in all; then it is ended.
const MESSAGES: usize = 32;

/// A server that the configuration names.
#[derive(Clone, Debug)]
pub struct McpServer {
    #[allow(missing_docs)]
    pub reach: Reach,
    /// Those of its tools that agents may have.
    pub tools: BTreeSet<String>,
    /// Of these, those that change nothing, and may be called again.
    pub pure: BTreeSet<String>,
    /// What an agent needs to use them.
    pub role: Role,
    /// For each call, and for starting.
    pub timeout: Duration,
    /// Largest message that it may send.
    pub max_bytes: usize,
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub enum Reach {
    /// A program that speaks over its standard input and output.
    #[cfg(target_os = "linux")]
    Program {
        /// The first is an absolute path.
        command: Vec<String>,
        /// All there is, beside PATH.
        environment: BTreeMap<String, SecretString>,
        #[allow(missing_docs)]
        keeper: Keeper,
    },
    /// An address, over streamable HTTP.
    Url {
        #[allow(missing_docs)]
        url: Url,
        /// Sent to that host only.
        token: Option<SecretString>,
    },
}

impl Reach {
    /// An address that an operator wrote.
    pub fn url(text: &str, token: Option<SecretString>) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.fragment().is_some() {
            return Err("use https://HOST/PATH, or http:// within one machine or network".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a name or password; use `token`".to_owned());
        }
        Ok(Self::Url { url, token })
    }
}

/// The servers of a process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mcp {
    servers: Arc<BTreeMap<String, McpServer>>,
    known: Arc<Known>,
}

/// What servers offered a while ago.
#[derive(Debug, Default)]
struct Known(Mutex<BTreeMap<String, (Instant, Vec<Offered>)>>);

impl Mcp {
    /// These, by name.
    pub fn new(servers: BTreeMap<String, McpServer>) -> Self {
        Self { servers: Arc::new(servers), known: Arc::default() }
    }

    /// Whether none is configured.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// How each server is, looked at now: which of its tools there are, or why there are none.
    pub async fn look(&self) -> Vec<(String, Result<String, String>)> {
        join_all(self.servers.iter().map(|(name, server)| async move {
            let found = self.list(name, server, LOOK.min(server.timeout)).await;
            (name.clone(), found.map(|offered| told(server, &offered)).map_err(|trouble| trouble.to_string()))
        }))
        .await
    }

    /// What servers offer, of the tools of these names. A server that does not answer offers nothing.
    pub async fn offered(&self, names: &BTreeSet<&str>) -> Vec<Offered> {
        let wanted = |server: &str, tool: &str| names.contains(mcp_name(server, tool).as_str());
        let asked = self.servers.iter().filter(|(name, server)| server.tools.iter().any(|tool| wanted(name, tool)));
        let all = join_all(asked.map(|(name, server)| async move {
            if let Some(known) = self.known.get(name) {
                return known;
            }
            self.list(name, server, server.timeout).await.unwrap_or_else(|why| {
                tracing::warn!(server = name, "an MCP server's tools are not offered: {why}");
                Vec::new()
            })
        }))
        .await;
        let mut left = MAX_OFFERED;
        let mut fits = |one: &Offered| {
            let fits = left.checked_sub(one.size());
            left = fits.unwrap_or(left);
            if fits.is_none() {
                tracing::warn!(
                    tool = one.name(),
                    "it is not offered: a run is offered at most {MAX_OFFERED} bytes of tools"
                );
            }
            fits.is_some()
        };
        let all = all.into_iter().flatten().filter(|one| names.contains(one.name().as_str()));
        all.filter(|one| fits(one)).collect()
    }

    /// These tools, on servers that are started when the first of them is called.
    pub fn toolbox(&self, offered: Vec<Offered>) -> Toolbox {
        let mut toolbox = Toolbox::default();
        let mut running: BTreeMap<String, Arc<Server>> = BTreeMap::new();
        for one in offered {
            // What is not configured any more is not there, whatever is on record.
            let configured = self.servers.get(&one.server).filter(|server| server.tools.contains(&one.tool));
            let Some(settings) = configured else { continue };
            let server = running.entry(one.server.clone()).or_insert_with(|| {
                Arc::new(Server::new(one.server.clone(), settings.clone(), Arc::clone(&self.known)))
            });
            toolbox = toolbox.with_role(remote::tool(server, one), settings.role);
        }
        toolbox
    }

    async fn list(&self, name: &str, server: &McpServer, limit: Duration) -> Result<Vec<Offered>, Trouble> {
        let listing = Link::open(server);
        let link = timeout(limit, listing).await.map_err(|_| Trouble::Late(limit.as_secs()))??;
        let offered = link.offered(name, server);
        self.known.set(name, &offered);
        Ok(offered)
    }
}

impl Known {
    fn get(&self, server: &str) -> Option<Vec<Offered>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(server).filter(|(at, _)| at.elapsed() < KNOWN_FOR).map(|(_, offered)| offered.clone())
    }

    fn set(&self, server: &str, offered: &[Offered]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(server.to_owned(), (Instant::now(), offered.to_vec()));
    }

    fn forget(&self, server: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(server);
    }
}

/// The name of a server's tool for models and in agents' files: providers take no dots.
pub fn mcp_name(server: &str, tool: &str) -> String {
    format!("mcp__{server}__{tool}")
}

/// Which of the tools that agents may have a server offers, for people.
fn told(server: &McpServer, offered: &[Offered]) -> String {
    let has = |tool: &&String| offered.iter().any(|one| one.tool == **tool);
    let names = |all: Vec<&String>| all.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let (there, missing): (Vec<&String>, Vec<&String>) = server.tools.iter().partition(has);
    match (there.is_empty(), missing.is_empty()) {
        (_, true) => format!("offers {}", names(there)),
        (true, false) => format!("answers, and offers none of {}", names(missing)),
        (false, false) => format!("offers {}, and not {}", names(there), names(missing)),
    }
}
