//! The flotilla binary: arguments in, data on stdout, an exit code out.

mod actions;
mod agents;
mod archive;
mod chat;
mod cli;
mod config;
mod conversations;
mod exit;
mod follow;
mod http;
mod kinds;
mod machine;
mod open;
mod review;
mod shown;
mod shutdown;
mod spending;
mod telemetry;

fn main() -> std::process::ExitCode {
    cli::main()
}
