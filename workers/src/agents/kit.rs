//! What the configuration lets agents do: tools that act, each off until it is configured.
//!
//! A run asks for its own ([`Run::toolbox`]): those that its agent names and that are configured. Files are those of a
//! directory of the run's own, empty at first, which is gone with the last tool; a run that goes on elsewhere does its
//! writes there once more (`tool/work.rs`).

#[cfg(target_os = "linux")]
use super::tools::{Commands, run, sandbox::Sandbox};
use super::{
    halt::Halt,
    run::Run,
    tool::Toolbox,
    tools::{HttpSettings, Scratch, ScratchLimits, http_get},
};
use flotilla_jobs::Fault;
use std::{borrow::Cow, collections::BTreeSet, path::PathBuf, time::Duration};

/// Tools that use a run's own directory.
const FILES: [&str; 5] = ["read_file", "list_dir", "grep", "write_file", "apply_patch"];
const HTTP: &str = "http_get";
const RUN: &str = "run";
/// The thread of what servers offered; callers of a run use lower ones.
#[cfg(feature = "mcp")]
const OFFERED: u32 = (1 << 29) - 1;

/// What is configured of tools that act. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Kit {
    /// Where runs have directories of their own.
    pub scratch: Option<ScratchPlace>,
    /// Pages of hosts that are named.
    pub http: Option<HttpSettings>,
    /// Programs that are named. They run on a run's own directory.
    #[cfg(target_os = "linux")]
    pub programs: Option<Programs>,
    /// Tools of servers that are named.
    #[cfg(feature = "mcp")]
    pub mcp: super::tools::mcp::Mcp,
    /// Tools whose every call waits for a person, whatever an agent's file says.
    pub approval: BTreeSet<String>,
    /// How long a call waits for a person before it counts as denied.
    pub approval_timeout: Duration,
}

/// Where runs have directories of their own, and how much may be in one.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ScratchPlace {
    pub dir: PathBuf,
    pub limits: ScratchLimits,
}

/// Programs, and what confines them.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Programs {
    pub sandbox: Sandbox,
    pub commands: Commands,
}

/// Whether a tool can be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Its name; `files` stands for all that use a run's own directory, `mcp__NAME` for those of a server.
    pub tool: Cow<'static, str>,
    #[allow(missing_docs)]
    pub state: State,
    /// What there is, or why there is not.
    pub detail: String,
}

/// How a tool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Ready,
    /// It is not configured.
    Off,
    /// It is configured, and refuses every call.
    Unfit,
}

impl State {
    /// Its name for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Off => "off",
            Self::Unfit => "unfit",
        }
    }
}

impl Kit {
    /// How each tool is here, looked at now. What processes that are gone left behind is removed.
    pub async fn readiness(&self) -> Vec<Readiness> {
        let mut all = vec![self.files_ready().await, self.http_ready(), self.run_ready().await];
        all.extend(self.mcp_ready().await);
        all
    }

    /// A server that is away now may be there for the next run.
    #[cfg(feature = "mcp")]
    async fn mcp_ready(&self) -> Vec<Readiness> {
        let named = |name: String, found: Result<String, String>| {
            let tool = Cow::from(format!("mcp__{name}"));
            match found {
                Ok(detail) => Readiness { tool, state: State::Ready, detail },
                Err(why) => {
                    Readiness { tool, state: State::Unfit, detail: format!("{why}; each run looks for it anew") }
                }
            }
        };
        self.mcp.look().await.into_iter().map(|(name, found)| named(name, found)).collect()
    }

    #[cfg(not(feature = "mcp"))]
    async fn mcp_ready(&self) -> Vec<Readiness> {
        Vec::new()
    }

    async fn files_ready(&self) -> Readiness {
        let tool = "files";
        let Some(ScratchPlace { dir, .. }) = &self.scratch else { return off(tool, "tools.scratch.dir is not set") };
        match Scratch::sweep(dir).await {
            Ok(()) => ready(tool, format!("in directories of runs below {}", dir.display())),
            Err(error) => unfit(tool, format!("tools.scratch.dir {}: {error}", dir.display())),
        }
    }

    fn http_ready(&self) -> Readiness {
        match &self.http {
            None => off(HTTP, "tools.http.hosts names no host"),
            Some(http) => ready(HTTP, format!("pages of {}", http.hosts)),
        }
    }

    #[cfg(target_os = "linux")]
    async fn run_ready(&self) -> Readiness {
        let Some(Programs { sandbox, commands }) = &self.programs else {
            return off(RUN, "tools.programs names no program");
        };
        if self.scratch.is_none() {
            return unfit(RUN, "programs run on a run's own directory: set tools.scratch.dir".to_owned());
        }
        let names = || commands.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        match sandbox.check().await {
            Ok(true) => ready(RUN, format!("{}, in namespaces of their own", names())),
            Ok(false) => ready(RUN, format!("{}, without namespaces of their own", names())),
            Err(error) => unfit(RUN, error.to_string()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    async fn run_ready(&self) -> Readiness {
        off(RUN, "programs can be confined on Linux only")
    }

    /// The tools of these names that are configured.
    async fn toolbox(&self, names: &BTreeSet<&str>) -> Result<Toolbox, Halt> {
        let mut toolbox = Toolbox::default().partial();
        if let Some(http) = self.http.as_ref().filter(|_| names.contains(HTTP)) {
            toolbox = toolbox.and(http_get(http.clone()));
        }
        let wants_files = names.contains(RUN) || FILES.iter().any(|name| names.contains(name));
        if let Some(place) = self.scratch.as_ref().filter(|_| wants_files) {
            let made = Scratch::empty(&place.dir, place.limits).await;
            let scratch = made.map_err(|error| {
                let what = format!("no directory could be made below tools.scratch.dir: {error}");
                Halt::Retry(Fault::new("no_scratch", what), None)
            })?;
            toolbox = toolbox.and(scratch.toolbox());
            #[cfg(target_os = "linux")]
            if let Some(Programs { sandbox, commands }) = self.programs.as_ref().filter(|_| names.contains(RUN)) {
                // Where programs cannot be confined each call is refused, and the same tools are offered everywhere.
                toolbox = toolbox.and(run(&scratch, sandbox.clone(), commands.clone()));
            }
        }
        Ok(toolbox)
    }
}

impl Run {
    /// The configured tools that the run's agent names, on a directory of the run's own. A part does without those
    /// that are not configured.
    pub async fn toolbox(&self) -> Result<Toolbox, Halt> {
        let names: BTreeSet<&str> = self.plan.definition.tools().collect();
        let toolbox = self.agents.kit.toolbox(&names).await?;
        #[cfg(feature = "mcp")]
        let toolbox = toolbox.and(self.mcp_tools(&names).await?);
        Ok(toolbox)
    }

    /// Tools of servers, as they were when the run began: what a server offers may change at any time.
    #[cfg(feature = "mcp")]
    async fn mcp_tools(&self, names: &BTreeSet<&str>) -> Result<Toolbox, Halt> {
        let mcp = &self.agents.kit.mcp;
        if mcp.is_empty() || !names.iter().any(|name| name.starts_with("mcp__")) {
            return Ok(Toolbox::default());
        }
        let now = if let Some(recorded) = self.decided(OFFERED)? {
            recorded
        } else {
            tokio::select! {
                biased;
                () = self.job.cancelled.cancelled() => return Err(Halt::Cancelled),
                offered = mcp.offered(names) => offered,
            }
        };
        let offered = self.decide(OFFERED, "mcp", &names, || now).await?;
        Ok(mcp.toolbox(offered))
    }
}

fn ready(tool: &'static str, detail: String) -> Readiness {
    Readiness { tool: tool.into(), state: State::Ready, detail }
}

fn off(tool: &'static str, why: &str) -> Readiness {
    Readiness { tool: tool.into(), state: State::Off, detail: why.to_owned() }
}

fn unfit(tool: &'static str, why: String) -> Readiness {
    Readiness { tool: tool.into(), state: State::Unfit, detail: why }
}

#[cfg(test)]
mod tests;
