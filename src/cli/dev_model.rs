//! `flotilla dev-model`: a scripted model provider, for trying agents without a key and for tests.

use super::output;
use crate::{
    exit::{Exit, Failure},
    shown,
    shutdown::Shutdown,
};
use flotilla_dev_model::{CallRecord, Ledger, Options, Outcome, Script, Server, Usage};
use flotilla_jobs::MicroUsd;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The model of the lines that say how to point flotilla at it.
const MODEL: &str = "scripted";
/// Prices are for so many tokens.
const MILLION: u64 = 1_000_000;

/// Where, and what it says.
#[derive(clap::Args)]
#[command(
    after_help = "It speaks three wires: POST /v1/chat/completions, /v1/responses and /v1/messages. Its answers say \
                        that they are scripted. It keeps a ledger: GET /dev/calls and /dev/ledger, PUT /dev/script, POST \
                        /dev/reset and /dev/release.\n\nExamples:\n  \
                        flotilla dev-model\n  \
                        flotilla dev-model --script busy.toml\n  \
                        flotilla dev-model --check busy.toml"
)]
pub struct Args {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8089")]
    listen: SocketAddr,
    /// What it says and how it misbehaves: TOML, or JSON where the name ends in .json
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Only check the script
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "not asked for, asked for, asked for with a file")]
    check: Option<Option<PathBuf>>,
}

pub async fn run(args: Args, json: bool) -> Result<Exit, Failure> {
    if let Some(file) = args.check {
        let file = file.or(args.script).ok_or_else(|| Failure::usage("--check: name a file: --check FILE"))?;
        let rules = load(&file)?.rules.len();
        output::note(&format!("{} is a script of {rules} rules", file.display()));
        return Ok(Exit::Ok);
    }
    let script = args.script.as_deref().map(load).transpose()?.unwrap_or_default();
    let listen = args.listen;
    if !listen.ip().is_loopback() {
        output::note(&format!("warning: {listen} may be reached by others, and anybody may call it"));
    }
    let prices = prices(&script);
    let options = Options { listen, script, on_end: Some(Arc::new(say)), ..Options::default() };
    let server = Server::start(options).await.map_err(|error| {
        Failure::unavailable(format!("cannot listen on {listen}: {error}; use --listen with a free address"))
    })?;
    output::note(&how_to_use(&server.url(), &prices));
    let shutdown = Shutdown::listen()?;
    shutdown.stop.cancelled().await;
    let ledger = server.ledger();
    server.stop().await;
    if json {
        output::json(&ledger)?;
    } else {
        table(&ledger)?;
    }
    Ok(Exit::Ok)
}

fn load(file: &Path) -> Result<Script, Failure> {
    Script::load(file).map_err(|error| Failure::usage(error.to_string()))
}

/// The line that makes flotilla count the same costs.
fn prices(script: &Script) -> String {
    let dollars = |usage: Usage| {
        let cost = script.cost(MODEL, &usage)?;
        Some(MicroUsd(cost).to_string().trim_start_matches('$').to_owned())
    };
    let counters = [
        ("input", Usage { input: MILLION, ..Usage::default() }),
        ("cache_read", Usage { cache_read: MILLION, ..Usage::default() }),
        ("cache_write", Usage { cache_write: MILLION, ..Usage::default() }),
        ("cache_write_1h", Usage { cache_write_1h: MILLION, ..Usage::default() }),
        ("output", Usage { output: MILLION, ..Usage::default() }),
    ];
    let pairs: Option<Vec<String>> =
        counters.into_iter().map(|(name, usage)| Some(format!("{name} = \"{}\"", dollars(usage)?))).collect();
    pairs.map(|pairs| format!("price = {{ {} }}\n", pairs.join(", "))).unwrap_or_default()
}

fn how_to_use(url: &str, price: &str) -> String {
    format!(
        "scripted model provider on {url}; to use it, add this to flotilla.toml:\n\n\
         [providers.dev]\n\
         wire = \"openai-chat\"          # or openai-responses; or anthropic with base_url = \"{url}\"\n\
         base_url = \"{url}/v1\"\n\
         key = \"any\"\n\n\
         [models.{MODEL}]\n\
         provider = \"dev\"\n\
         context = 128000\n\
         max_output = 8192\n\
         {price}\n\
         [routes.default]\n\
         models = [\"{MODEL}\"]\n"
    )
}

/// One line for a call that has ended.
fn say(call: &CallRecord) {
    let outcome = match call.outcome {
        Outcome::Begun => "begun".to_owned(),
        Outcome::Answered => "answered".to_owned(),
        Outcome::Failed(status) => format!("failed {status}"),
        Outcome::Cut => "cut".to_owned(),
        Outcome::Cancelled => "cancelled by the client".to_owned(),
    };
    let CallRecord { n, model, usage, .. } = call;
    let line =
        format!("call {n}: {model} {outcome}, {} tokens in, {} out, {}", usage.prompt(), usage.output, cost(call));
    output::note(&shown::line(&line));
}

fn cost(call: &CallRecord) -> String {
    call.cost.map_or_else(|| if call.is_billed() { "no price" } else { "free" }.to_owned(), |c| MicroUsd(c).to_string())
}

fn table(ledger: &Ledger) -> Result<(), Failure> {
    let row = |name: &str, calls: u64, billed: u64, usage: &Usage, cost: u64| {
        let numbers = [calls, billed, usage.prompt(), usage.output].map(|n| n.to_string());
        std::iter::once(name.to_owned()).chain(numbers).chain([MicroUsd(cost).to_string()]).collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<String>> = ledger
        .models
        .iter()
        .map(|(name, model)| row(name, model.calls, model.billed, &model.usage, model.cost))
        .collect();
    rows.push(row("all", ledger.calls, ledger.billed, &ledger.usage, ledger.cost));
    output::table(&["MODEL", "CALLS", "BILLED", "IN", "OUT", "COST"], &rows)
}
