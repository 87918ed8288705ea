//! `run`: a program that the configuration names, in a copy of the job's own work tree that is gone afterwards.

mod line;

pub use line::{BadCommand, CommandLine, Commands};

use super::{
    blocking, read_arguments,
    sandbox::{Ended, Program, Ran, Sandbox},
    scratch::Scratch,
    spec,
};
use crate::agents::{
    model::ToolSpec,
    tool::{Arguments, Pure, Role, Tool, ToolError, Toolbox, output::cap},
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The tool, for agents with the role `process:run`. Programs see what was written to `scratch`; what they write is gone
/// when they end.
pub fn run(scratch: &Scratch, sandbox: Sandbox, commands: Commands) -> Toolbox {
    let tool = Run { scratch: scratch.clone(), sandbox, commands };
    Toolbox::default().with_role(Tool::Pure(Arc::new(tool)), Role::ProcessRun)
}

struct Run {
    scratch: Scratch,
    sandbox: Sandbox,
    commands: Commands,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    command: String,
    #[serde(default)]
    arguments: BTreeMap<String, String>,
}

#[async_trait]
impl Pure for Run {
    fn spec(&self) -> ToolSpec {
        let names: Vec<_> = self.commands.keys().collect();
        let each = self.commands.iter().map(|(name, line)| format!("{name}: {}", line.told()));
        let properties = json!({
            "command": {"type": "string", "enum": names, "description": "which one"},
            "arguments": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": each.collect::<Vec<_>>().join("; "),
            },
        });
        let what = "Runs a program in a copy of the work tree, without network; what it writes is gone afterwards.";
        spec("run", what, &properties, &["command"])
    }

    async fn call(&self, arguments: &Arguments) -> Result<Vec<u8>, ToolError> {
        let wanted: Wanted = read_arguments(arguments)?;
        let Some(command) = self.commands.get(&wanted.command) else {
            let names: Vec<_> = self.commands.keys().map(String::as_str).collect();
            return Err(ToolError::said(format!("there is no such command; run one of: {}", names.join(", "))));
        };
        let line = command.filled(&wanted.arguments).map_err(ToolError::said)?;
        let scratch = self.scratch.clone();
        let copied =
            move || scratch.copy().map_err(|error| ToolError::said(format!("the work tree cannot be copied: {error}")));
        let place = blocking(copied).await?;
        let (dir, home) = (place.tree(), place.staging());
        let mut environment = command.environment.clone();
        environment.insert("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
        for name in ["HOME", "TMPDIR"] {
            environment.insert(name.to_owned(), home.display().to_string());
        }
        let environment: Vec<_> = environment.into_iter().collect();
        let root = dir.parent().unwrap_or(&dir);
        let program = Program {
            arguments: &line,
            environment: &environment,
            dir: &dir,
            writable: root,
            timeout: command.timeout,
        };
        let ran = self.sandbox.run(&program).await.map_err(|error| ToolError::said(error.to_string()))?;
        Ok(told(&ran, command.timeout))
    }
}

fn told(ran: &Ran, timeout: Duration) -> Vec<u8> {
    let head = match ran.ended {
        Ended::Status(code) => format!("[exit status {code}]\n"),
        Ended::Signal(signal) => format!("[killed by signal {signal}]\n"),
        Ended::Late => format!("[not done within {} s, and killed]\n", timeout.as_secs()),
        Ended::TooMuch => "[it said more than 10 MiB, and was killed]\n".to_owned(),
    };
    let part = |name: &str, said: &[u8]| {
        if said.is_empty() { String::new() } else { format!("[{name}]\n{}\n", cap(said, 30 << 10)) }
    };
    format!("{head}{}{}", part("stdout", &ran.stdout), part("stderr", &ran.stderr)).into_bytes()
}
