//! A server that misbehaves on request, and its tools as an agent has them.

use flotilla_workers::agents::{
    Tool, Toolbox,
    tool::{Effect, Role, ToolError},
    tools::{
        mcp::{Mcp, McpServer, Offered, Reach},
        sandbox::Keeper,
    },
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_mins(2);
/// Largest message that it may send.
pub const MAX_BYTES: usize = 310 << 10;
const NAMES: [&str; 5] = ["mcp__t__do", "mcp__t__huge", "mcp__t__forbidden", "mcp__t__more", "mcp__other__do"];

pub struct World {
    pub dir: TempDir,
    pub server: McpServer,
    /// Where it is reached over HTTP.
    web: Option<Child>,
}

/// The script, as the command of a server.
pub fn command(kind: &str, marks: &Path) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/server.py");
    ["/usr/bin/python3", script.to_str().unwrap(), kind, marks.to_str().unwrap()].map(str::to_owned).to_vec()
}

impl World {
    /// One that is a program.
    pub fn program() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let reach = Reach::Program {
            command: command("program", dir.path()),
            environment: [("GIVEN".to_owned(), "yes".into())].into(),
            keeper: Keeper {
                helper: env!("CARGO_BIN_EXE_flotilla").into(),
                arguments: vec!["sandbox-exec".to_owned()],
            },
        };
        Self { dir, server: server(reach), web: None }
    }

    /// One that is reached at a path over HTTP.
    pub async fn web(path: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let command = command("http", dir.path());
        let child = Command::new(&command[0]).args(&command[1..]).stdin(Stdio::null()).spawn().unwrap();
        let port = dir.path().join("port");
        until("it listens", || port.exists()).await;
        let url = format!("http://127.0.0.1:{}{path}", fs::read_to_string(port).unwrap());
        let reach = Reach::url(&url, Some("hunter2".into())).unwrap();
        Self { dir, server: server(reach), web: Some(child) }
    }

    /// The servers of a process.
    pub fn mcp(&self) -> Mcp {
        Mcp::new([("t".to_owned(), self.server.clone())].into())
    }

    /// The tool as a run that begins now has it.
    pub async fn tool(&self) -> Arc<dyn Effect> {
        let mcp = self.mcp();
        effect(&mcp.toolbox(offered(&mcp).await))
    }

    /// What the server wrote down.
    pub fn marks(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    /// Processes of it that are there.
    pub fn processes(&self) -> usize {
        count(&self.dir.path().display().to_string())
    }

    pub async fn until_gone(&self) {
        until("all of it is gone", || self.processes() == 0).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(web) = &mut self.web {
            let _ = web.kill();
            let _ = web.wait();
        }
    }
}

fn server(reach: Reach) -> McpServer {
    McpServer {
        reach,
        tools: ["do", "huge", "more"].map(str::to_owned).into(),
        pure: BTreeSet::new(),
        role: Role::McpCall,
        timeout: PATIENCE,
        max_bytes: MAX_BYTES,
    }
}

pub async fn offered(mcp: &Mcp) -> Vec<Offered> {
    mcp.offered(&NAMES.into()).await
}

pub fn effect(toolbox: &Toolbox) -> Arc<dyn Effect> {
    match toolbox.get("mcp__t__do") {
        Some(Tool::Effect(tool)) => Arc::clone(tool),
        other => panic!("{other:?}"),
    }
}

pub async fn ask(tool: &Arc<dyn Effect>, what: &str) -> Result<String, ToolError> {
    let arguments = json!({ "what": what });
    let said = tool.call(arguments.as_object().unwrap(), "key").await?;
    Ok(String::from_utf8(said).unwrap())
}

/// Why it gave nothing.
pub async fn refusal(tool: &Arc<dyn Effect>, what: &str) -> String {
    ask(tool, what).await.unwrap_err().to_string()
}

/// Processes with this word in their command line.
pub fn count(word: &str) -> usize {
    let named = |entry: &fs::DirEntry| {
        // A killed one whose parent has not looked yet is gone all the same.
        let dead = fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| stat.contains(") Z "));
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        !dead && String::from_utf8_lossy(&line).contains(word)
    };
    fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter(named).count()
}

pub async fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}
