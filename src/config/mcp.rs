//! MCP servers: programs and addresses that offer tools to agents.

use super::{Error, layers::Layers, tools::range};
use flotilla_jobs::{Invalid, check_name};
use flotilla_workers::agents::{kit::Kit, tool::Role};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// Longest name for models: providers take no longer ones.
const MAX_NAME: usize = 64;
/// Most servers, and most tools of one.
const MAX_SERVERS: usize = 32;
const MAX_TOOLS: usize = 64;

/// A server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(feature = "mcp"), allow(dead_code, reason = "read to be refused"))]
pub struct Mcp {
    #[serde(default)]
    pub command: Vec<String>,
    #[serde(default)]
    pub environment: BTreeMap<String, SecretString>,
    /// They are in `environment` by then.
    #[serde(default, rename = "inherit")]
    _inherit: Vec<String>,
    #[serde(default)]
    pub url: String,
    #[serde(default, deserialize_with = "secret")]
    pub token: Option<SecretString>,
    #[serde(default, rename = "token_file")]
    _token_file: String,
    pub tools: BTreeSet<String>,
    #[serde(default)]
    pub pure: BTreeSet<String>,
    #[serde(default = "usual_role")]
    pub role: Role,
    #[serde(default = "usual_timeout")]
    pub timeout_seconds: u64,
    #[serde(default = "usual_size")]
    pub max_kib: u64,
}

fn usual_role() -> Role {
    Role::McpCall
}

fn usual_timeout() -> u64 {
    60
}

fn usual_size() -> u64 {
    1_024
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(SecretString::from))
}

/// Puts the variables of our own environment that servers may see into theirs.
pub fn let_in(vars: &[(String, String)], layers: &mut Layers) -> Result<(), Error> {
    let named: Vec<_> = layers
        .iter()
        .filter_map(|(key, entry)| {
            let server = key.strip_prefix("mcp.")?.strip_suffix(".inherit")?;
            Some((key.to_owned(), format!("mcp.{server}.environment"), entry.clone()))
        })
        .collect();
    for (key, into, inherit) in named {
        let mut environment = layers.get(&into).and_then(|entry| entry.value.as_table().cloned()).unwrap_or_default();
        for name in inherit.value.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Some((_, value)) = vars.iter().find(|(var, _)| var == name) else {
                let message = format!("the variable `{name}` is not set; set it, or leave it out");
                return Err(Error::new(Some(inherit.origin), key, message));
            };
            environment.entry(name).or_insert_with(|| Value::String(value.clone()));
        }
        layers.set(into, Value::Table(environment), inherit.origin);
    }
    Ok(())
}

/// What agents call the tools of servers.
pub fn names(servers: &BTreeMap<String, Mcp>) -> impl Iterator<Item = String> {
    servers.iter().flat_map(|(name, server)| server.tools.iter().map(move |tool| format!("mcp__{name}__{tool}")))
}

/// The same kit with these servers, if all of them can be used.
pub fn add(kit: Kit, servers: &BTreeMap<String, Mcp>) -> Result<Kit, Invalid> {
    if let Some(name) = servers.keys().next().filter(|_| !cfg!(feature = "mcp")) {
        let what = "this flotilla was built without MCP servers; build it with `cargo build --features mcp`";
        return Err(Invalid { field: format!("mcp.{name}.tools"), message: what.to_owned() });
    }
    if servers.len() > MAX_SERVERS {
        return Err(Invalid::new("mcp", format!("has {} servers; at most {MAX_SERVERS} are taken", servers.len())));
    }
    servers.iter().try_for_each(|(name, server)| check(name, server))?;
    with(kit, servers)
}

fn check(name: &str, server: &Mcp) -> Result<(), Invalid> {
    let bad = |leaf: &str, message: String| Err(Invalid { field: format!("mcp.{name}.{leaf}"), message });
    let known = |text: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        !text.is_empty() && text.bytes().all(known)
    };
    check_name("mcp", name)?;
    if !known(name) || name.contains("__") {
        return bad("tools", format!("`{name}` is no name of a server; use letters, digits, `-` and single `_`"));
    }
    if server.tools.is_empty() || server.tools.len() > MAX_TOOLS {
        let what = format!("names {} tools; name 1 to {MAX_TOOLS} that agents may have", server.tools.len());
        return bad("tools", what);
    }
    let room = MAX_NAME.saturating_sub(format!("mcp__{name}__").len());
    if let Some(tool) = server.tools.iter().find(|tool| !known(tool) || tool.len() > room) {
        return bad("tools", format!("`{tool}` is not 1 to {room} letters, digits, `-` or `_`"));
    }
    if let Some(tool) = server.pure.iter().find(|tool| !server.tools.contains(*tool)) {
        return bad("pure", format!("`{tool}` is not among mcp.{name}.tools"));
    }
    match (server.command.first(), server.url.as_str()) {
        (None, "") => return bad("command", "is not set, and neither is url; set one of them".to_owned()),
        (Some(_), url) if !url.is_empty() => return bad("url", "is set beside command; set one of them".to_owned()),
        (Some(_), _) if !cfg!(target_os = "linux") => {
            return bad("command", "servers that are programs are kept on Linux only; use url".to_owned());
        }
        (Some(program), _) if !program.starts_with('/') => {
            return bad("command", format!("`{program}` is not an absolute path"));
        }
        (Some(_), _) if server.token.is_some() => {
            return bad("token", "is for servers with a url; use environment or inherit".to_owned());
        }
        (None, _) if !server.environment.is_empty() => {
            return bad("environment", "is for servers with a command; use token".to_owned());
        }
        _ => {}
    }
    if let Some(variable) = server.environment.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return bad("environment", format!("`{variable}` is no name of a variable"));
    }
    range(&format!("mcp.{name}.timeout_seconds"), server.timeout_seconds, 1, 3_600)?;
    range(&format!("mcp.{name}.max_kib"), server.max_kib, 4, 16_384)
}

#[cfg(not(feature = "mcp"))]
fn with(kit: Kit, _: &BTreeMap<String, Mcp>) -> Result<Kit, Invalid> {
    Ok(kit)
}

#[cfg(feature = "mcp")]
fn with(kit: Kit, servers: &BTreeMap<String, Mcp>) -> Result<Kit, Invalid> {
    use flotilla_workers::agents::tools::mcp::{McpServer, Reach};
    let one = |(name, mcp): (&String, &Mcp)| {
        let url = || {
            let reach = Reach::url(&mcp.url, mcp.token.clone());
            reach.map_err(|message| Invalid { field: format!("mcp.{name}.url"), message })
        };
        let reach = program(mcp).map_or_else(url, Ok)?;
        let server = McpServer {
            reach,
            tools: mcp.tools.clone(),
            pure: mcp.pure.clone(),
            role: mcp.role,
            timeout: std::time::Duration::from_secs(mcp.timeout_seconds),
            max_bytes: (mcp.max_kib << 10) as usize,
        };
        Ok((name.clone(), server))
    };
    let servers = servers.iter().map(one).collect::<Result<_, Invalid>>()?;
    Ok(Kit { mcp: flotilla_workers::agents::tools::mcp::Mcp::new(servers), ..kit })
}

#[cfg(all(feature = "mcp", target_os = "linux"))]
fn program(mcp: &Mcp) -> Option<flotilla_workers::agents::tools::mcp::Reach> {
    use flotilla_workers::agents::tools::{mcp::Reach, sandbox::Keeper};
    // This program once more, also where a newer one was installed in its place since.
    let keeper = Keeper { helper: "/proc/self/exe".into(), arguments: vec![crate::cli::SANDBOX_EXEC.to_owned()] };
    let (command, environment) = (mcp.command.clone(), mcp.environment.clone());
    (!command.is_empty()).then_some(Reach::Program { command, environment, keeper })
}

#[cfg(all(feature = "mcp", not(target_os = "linux")))]
fn program(_: &Mcp) -> Option<flotilla_workers::agents::tools::mcp::Reach> {
    None
}
