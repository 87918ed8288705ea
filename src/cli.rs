//! The commands: one file each.

mod act;
mod approvals;
mod backend;
mod bench;
mod chat;
mod completions;
mod config;
mod dev_model;
mod doctor;
mod embedded;
mod filter;
mod health;
mod isolated;
mod live;
mod ls;
mod migrate;
mod output;
mod process;
mod providers;
mod queues;
mod remote;
mod review;
mod run;
mod safety;
mod serve;
mod session;
mod sessions;
mod show;
mod spend;
mod spinner;
mod submit;
mod watch;
mod work;

use crate::{
    actions::Action,
    config::{Inputs, load},
    exit::{Exit, Failure},
    machine, shown, telemetry,
};
use clap::{Args, CommandFactory, Parser, Subcommand};
use session::Session;
use std::{path::PathBuf, process::ExitCode};

const EXAMPLES: &str = "\
Examples:
  flotilla review .                        review the change in a git work tree, with nothing configured
  flotilla chat                            talk with an agent
  flotilla run                             API on 127.0.0.1:8080 and workers, on one SQLite file
  flotilla submit code-review @job.json    submit a job
  flotilla ls --state failed               failed jobs, newest first
  flotilla watch ID                        follow a job's progress and output
  flotilla retry --state failed --all      run every failed job once more
  flotilla spend --by day,model            what models cost
  flotilla config                          every setting, its value and where it comes from

Exit codes:
    0  all is well
    1  a review has findings, a job did not complete, or something asked about is not well
    2  the command or the configuration is wrong
    3  the store or the server does not answer
    4  there is no such job
    5  a queue is full: try again later
  130  interrupted, or told to stop and not done in time";

/// What the sandbox of tools starts this program with.
#[cfg(target_os = "linux")]
pub const SANDBOX_EXEC: &str = "sandbox-exec";

/// A fleet of background workers for AI agent jobs.
#[derive(Parser)]
#[command(name = "flotilla", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Configuration file [default: ./flotilla.toml, else ~/.config/flotilla/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "Server to talk to, such as http://127.0.0.1:8080 [default: open the store directly]"
    )]
    server: Option<String>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
    #[arg(long, global = true, value_name = "KEY=VALUE", help = "Set any setting: --set worker.lease_ms=20000")]
    set: Vec<String>,
    /// Log lines as `pretty` or `json`
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Log level or filter
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Run one job for the worker that started this process, whose command line is otherwise the same
    #[arg(long, global = true, hide = true)]
    isolated: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Review a change in a git work tree
    Review(review::Args),
    /// Talk with an agent
    Chat(chat::Args),
    /// Run the API and workers in one process
    Run(run::Args),
    /// Run the API only
    Serve(serve::Args),
    /// Run workers only, with health and metrics on an address of their own
    Work(work::Args),
    /// Submit a job
    Submit(submit::Args),
    /// List jobs, newest first
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Show one job with its input, output and history
    Show(show::Args),
    /// Follow a job's state, progress and output until it has ended
    Watch(watch::Args),
    /// Cancel jobs
    Cancel(act::Args),
    /// Run failed or quarantined jobs once more
    Retry(act::Args),
    /// Put paused jobs back into their queues
    Resume(act::Args),
    /// List calls of tools that wait for a person
    Approvals(approvals::Args),
    /// Agree to calls of tools that wait for a person; each is made once
    Approve(approvals::DecideArgs),
    /// Refuse calls of tools that wait for a person; the model is told, and goes on
    Deny(approvals::DecideArgs),
    /// Conversations: list, show, fork, export, archive, restore, delete
    Sessions(sessions::Args),
    /// List queues; pause, resume or cap one
    Queues(queues::Args),
    /// What models cost, by day, tenant, agent or model, and how full budgets are
    Spend(spend::Args),
    /// List providers: what goes on and waits there, and which of them rest
    Providers(providers::Args),
    /// Apply the database migrations that are missing
    Migrate,
    /// Measure a store on this machine: accept, work off, latency, idling
    Bench(bench::Args),
    /// Run a scripted model provider: for trying agents without a key, and for tests
    DevModel(dev_model::Args),
    /// Print every setting, its value and where it comes from; secrets are masked
    Config,
    /// Say what would become of a message: which rules against steering an agent it fits, and what is hidden in it
    Safety(safety::Args),
    /// Check every dependency and setting, and say what to do
    Doctor,
    /// Ask a running process whether it is well: exit 0 or 1, for a container's health check
    Health(health::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Confine a program for the worker that started this process
    #[command(hide = true)]
    SandboxExec,
}

/// One setting that a flag sets: the flag, the setting, its text.
type Setting = (&'static str, &'static str, Option<String>);

impl Command {
    fn settings(&self) -> Vec<Setting> {
        match self {
            Self::Run(args) => args.settings(),
            Self::Serve(args) => args.settings(),
            Self::Work(args) => args.settings(),
            _ => Vec::new(),
        }
    }

    /// Whether what it logs is for operators rather than for the person who typed it.
    fn is_service(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Serve(_) | Self::Work(_))
    }

    async fn run(self, session: &Session) -> Result<Exit, Failure> {
        match self {
            Self::Review(args) => review::run(args, session).await,
            Self::Chat(args) => chat::run(args, session).await,
            Self::Run(_) => run::run(session).await,
            Self::Serve(_) => serve::run(session).await,
            Self::Work(_) => work::run(session).await,
            Self::Submit(args) => submit::run(args, session).await,
            Self::Ls(args) => ls::run(args, session).await,
            Self::Show(args) => show::run(args, session).await,
            Self::Watch(args) => watch::run(args, session).await,
            Self::Cancel(args) => act::run(Action::Cancel, args, session).await,
            Self::Retry(args) => act::run(Action::Retry, args, session).await,
            Self::Resume(args) => act::run(Action::Resume, args, session).await,
            Self::Approvals(args) => approvals::list(args, session).await,
            Self::Approve(args) => approvals::decide(true, args, session).await,
            Self::Deny(args) => approvals::decide(false, args, session).await,
            Self::Sessions(args) => sessions::run(args, session).await,
            Self::Queues(args) => queues::run(args, session).await,
            Self::Spend(args) => spend::run(args, session).await,
            Self::Providers(args) => providers::run(args, session).await,
            Self::Migrate => migrate::run(session).await,
            Self::Bench(args) => bench::run(args, session).await,
            Self::DevModel(args) => dev_model::run(args, session.json).await,
            Self::Config => config::run(session),
            Self::Safety(args) => safety::run(&args, session),
            Self::Doctor => doctor::run(session).await,
            Self::Health(args) => health::run(args, session).await,
            Self::Completions(args) => completions::run(&args, Cli::command()),
            Self::SandboxExec => Err(Failure::usage("programs are confined on Linux only")),
        }
    }
}

/// Parses the arguments, runs the command, says what went wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before there is any other thread, as namespaces ask for.
    #[cfg(target_os = "linux")]
    if matches!(cli.command, Command::SandboxExec) {
        return flotilla_workers::agents::tools::sandbox::keep(&[SANDBOX_EXEC]);
    }
    match start(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.message.is_empty() {
                let message = shown::lines(&failure.message);
                anstream::eprintln!("{}error:{} {message}", output::RED, output::RESET);
            }
            failure.exit.into()
        }
    }
}

fn start(cli: Cli) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    // Doctor is for configurations that do not load, too.
    let loaded = match load(&inputs(&global, &command)?) {
        Err(error) if matches!(command, Command::Doctor) => return doctor::broken_configuration(&error, global.json),
        loaded => loaded?,
    };
    let quiet = !command.is_service() && loaded.is_default("log.level");
    let traces = telemetry::start(&loaded.config, quiet)?;
    // TLS to Redis, Postgres and servers; a second call in one process would be the only way to fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    machine::open_many_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::unavailable(format!("the runtime cannot start: {e}")))?;
    let session = Session { loaded, json: global.json, traces };
    let exit = if global.isolated {
        runtime.block_on(isolated::run(&session))
    } else {
        runtime.block_on(command.run(&session))
    };
    if let Some(traces) = session.traces {
        traces.end();
    }
    // A thread that waits for stdin or a slow disk must not hold the process up.
    runtime.shutdown_background();
    exit
}

fn inputs(global: &Global, command: &Command) -> Result<Inputs, Failure> {
    let mut flags = Vec::new();
    let own = [
        ("--server", "server.url", global.server.clone()),
        ("--log-format", "log.format", global.log_format.clone()),
        ("--log-level", "log.level", global.log_level.clone()),
    ];
    for (flag, key, text) in own.into_iter().chain(command.settings()) {
        flags.extend(text.map(|text| (flag.to_owned(), key.to_owned(), text)));
    }
    for pair in &global.set {
        let (key, text) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--set {pair}: use KEY=VALUE, such as worker.concurrency=10")))?;
        flags.push(("--set".to_owned(), key.to_owned(), text.to_owned()));
    }
    let vars = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    // The directory of a review may be a stranger's: its flotilla.toml must not say where tokens are sent.
    let directory = (!matches!(command, Command::Review(_))).then(|| PathBuf::from("."));
    Ok(Inputs { file: global.config.clone(), directory, vars, flags })
}
