//! Tools that act: what agents may do beside talking, each off until it is configured.

use super::check::within;
use flotilla_jobs::Invalid;
use flotilla_workers::agents::{
    kit::{Kit, ScratchPlace},
    tool::{Role, Roles},
    tools::{Hosts, HttpSettings, ScratchLimits},
};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

const MIB: u64 = 1 << 20;
/// Longest that a call waits for a person: a year.
const MAX_MINUTES: u64 = 525_600;
/// Most programs that have names.
const MAX_PROGRAMS: usize = 64;

/// Tools that come with flotilla.
const BUILT_IN: [&str; 10] = [
    "read_file",
    "list_dir",
    "grep",
    "git_show",
    "git_log",
    "git_diff",
    "write_file",
    "apply_patch",
    "http_get",
    "run",
];

/// What agents may do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    pub approval: Vec<String>,
    pub approval_timeout_minutes: u64,
    pub scratch: Scratch,
    pub http: Http,
    pub run: Run,
    #[serde(default)]
    pub programs: BTreeMap<String, Program>,
}

/// Directories of runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scratch {
    /// Empty where there are none.
    pub dir: PathBuf,
    pub max_files: u64,
    pub max_mib: u64,
}

/// Pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub hosts: Vec<String>,
    pub max_bytes: u64,
    pub timeout_ms: u64,
    pub redirects: u64,
}

/// What each program may use up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub read: Vec<PathBuf>,
    pub cpu_seconds: u64,
    pub memory_mib: u64,
    pub file_mib: u64,
    pub files: u64,
    pub processes: u64,
}

/// A program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    pub command: Vec<String>,
    #[serde(default)]
    pub placeholders: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default = "usual_timeout")]
    pub timeout_seconds: u64,
}

fn usual_timeout() -> u64 {
    300
}

impl Tools {
    /// The same for agents, whose tools of `servers` are named so; what is wrong is said with its setting.
    pub fn kit(&self, servers: &[String]) -> Result<Kit, Invalid> {
        range("tools.approval_timeout_minutes", self.approval_timeout_minutes, 1, MAX_MINUTES)?;
        let known = |name: &str| BUILT_IN.contains(&name) || servers.iter().any(|server| server == name);
        // One that is misspelled would wait for nobody.
        if let Some(bad) = self.approval.iter().find(|name| !known(name)) {
            let all: Vec<_> = BUILT_IN.into_iter().chain(servers.iter().map(String::as_str)).collect();
            let message = format!("`{bad}` is no tool; there are {}", all.join(", "));
            return Err(Invalid::new("tools.approval", message));
        }
        Ok(Kit {
            scratch: self.scratch()?,
            http: self.http()?,
            #[cfg(target_os = "linux")]
            programs: self.programs()?,
            approval: self.approval.iter().cloned().collect(),
            approval_timeout: Duration::from_secs(60 * self.approval_timeout_minutes),
            #[cfg(feature = "mcp")]
            mcp: flotilla_workers::agents::tools::mcp::Mcp::default(),
        })
    }

    fn scratch(&self) -> Result<Option<ScratchPlace>, Invalid> {
        let Scratch { dir, max_files, max_mib } = &self.scratch;
        range("tools.scratch.max_files", *max_files, 1, 1_000_000)?;
        range("tools.scratch.max_mib", *max_mib, 1, 1_000_000)?;
        if dir.as_os_str().is_empty() {
            return Ok(None);
        }
        if !dir.is_absolute() {
            return Err(Invalid::new("tools.scratch.dir", format!("`{}` is not absolute", dir.display())));
        }
        let limits = ScratchLimits { files: *max_files, bytes: max_mib * MIB };
        Ok(Some(ScratchPlace { dir: dir.clone(), limits }))
    }

    fn http(&self) -> Result<Option<HttpSettings>, Invalid> {
        let Http { hosts, max_bytes, timeout_ms, redirects } = &self.http;
        range("tools.http.max_bytes", *max_bytes, 1_024, 64 * MIB)?;
        range("tools.http.timeout_ms", *timeout_ms, 100, 600_000)?;
        range("tools.http.redirects", *redirects, 0, 20)?;
        let hosts = Hosts::read(hosts.iter().map(String::as_str))
            .map_err(|error| Invalid::new("tools.http.hosts", error.to_string()))?;
        let timeout = Duration::from_millis(*timeout_ms);
        let (max_bytes, redirects) = (*max_bytes as usize, *redirects as usize);
        Ok((!hosts.is_empty()).then_some(HttpSettings { hosts, max_bytes, timeout, redirects }))
    }

    #[cfg(target_os = "linux")]
    fn programs(&self) -> Result<Option<flotilla_workers::agents::kit::Programs>, Invalid> {
        use flotilla_workers::agents::{
            kit::Programs,
            tools::{
                CommandLine,
                sandbox::{Limits, Sandbox},
            },
        };
        let Run { read, cpu_seconds, memory_mib, file_mib, files, processes } = &self.run;
        range("tools.run.cpu_seconds", *cpu_seconds, 1, 86_400)?;
        range("tools.run.memory_mib", *memory_mib, 16, 1_000_000)?;
        range("tools.run.file_mib", *file_mib, 1, 1_000_000)?;
        range("tools.run.files", *files, 16, 1_000_000)?;
        range("tools.run.processes", *processes, 1, 100_000)?;
        if let Some(bad) = read.iter().find(|path| !path.is_absolute()) {
            return Err(Invalid::new("tools.run.read", format!("`{}` is not absolute", bad.display())));
        }
        if self.programs.len() > MAX_PROGRAMS {
            let what = format!("has {} programs; at most {MAX_PROGRAMS} are taken", self.programs.len());
            return Err(Invalid::new("tools.programs", what));
        }
        let mut commands = BTreeMap::new();
        for (name, program) in &self.programs {
            let key = |leaf: &str| format!("tools.programs.{name}.{leaf}");
            let bad = |error: String| Invalid { field: key("command"), message: error };
            range(&key("timeout_seconds"), program.timeout_seconds, 1, 86_400)?;
            flotilla_jobs::check_name("program", name).map_err(|error| bad(error.message))?;
            let Program { command, placeholders, environment, timeout_seconds } = program.clone();
            let timeout = Duration::from_secs(timeout_seconds);
            let line = CommandLine::new(command, &placeholders, environment, timeout);
            commands.insert(name.clone(), line.map_err(|error| bad(error.to_string()))?);
        }
        if commands.is_empty() {
            return Ok(None);
        }
        // This program once more, also where a newer one was installed in its place since.
        let mut sandbox = Sandbox::new("/proc/self/exe", &[crate::cli::SANDBOX_EXEC]);
        sandbox.read.extend(read.iter().cloned());
        sandbox.limits = Limits {
            cpu_seconds: *cpu_seconds,
            memory_bytes: memory_mib * MIB,
            file_bytes: file_mib * MIB,
            files: *files,
            processes: *processes,
        };
        Ok(Some(Programs { sandbox, commands }))
    }
}

/// Roles by agent, instead of what their files say.
pub fn roles(configured: &BTreeMap<String, Vec<String>>) -> Result<Vec<(String, Roles)>, Invalid> {
    let of = |(agent, names): (&String, &Vec<String>)| {
        let roles = names.iter().map(|name| name.parse::<Role>()).collect::<Result<Roles, _>>();
        let roles = roles.map_err(|message| Invalid { field: format!("roles.{agent}"), message })?;
        Ok((agent.clone(), roles))
    };
    configured.iter().map(of).collect()
}

pub(super) fn range(key: &str, value: u64, min: u64, max: u64) -> Result<(), Invalid> {
    within(value, min, max).map_err(|message| Invalid::new(key, message))
}
