//! `flotilla health`: asks a running process, for a container's health check.

use super::{output, session::Session};
use crate::{
    config::Listen,
    exit::{Exit, Failure},
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Which process.
#[derive(clap::Args)]
#[command(after_help = "Example, in a Dockerfile:\n  HEALTHCHECK CMD [\"flotilla\", \"health\", \"--worker\"]")]
pub struct Args {
    /// Ask the worker at worker.http.listen [default: server.url, else http.listen]
    #[arg(long)]
    worker: bool,
    /// Ask at this address
    #[arg(long, conflicts_with = "worker")]
    url: Option<String>,
}

pub async fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let config = &session.loaded.config;
    let url = match (args.url, &config.server.url) {
        (Some(url), _) => url,
        (None, Some(url)) if !args.worker => url.clone(),
        _ => {
            let listen = if args.worker { config.worker.http.listen } else { config.http.listen };
            let Listen::On(address) = listen else {
                return Err(Failure::usage("worker.http.listen is off: there is nobody to ask"));
            };
            format!("http://{}", reachable(address))
        }
    };
    // For a health check the answer to "is it well" is no, whatever the reason.
    let (ok, report) = match session.client_of(&url)?.health().await {
        Ok(answer) => answer,
        Err(error) => return Err(Failure::new(Exit::Findings, format!("{url}: {error}"))),
    };
    if session.json {
        output::json(&report)?;
    } else {
        output::line(if ok { "ok" } else { "not well" })?;
        if !ok {
            output::note(&report.to_string());
        }
    }
    Ok(if ok { Exit::Ok } else { Exit::Findings })
}

/// An address to connect to, for one to listen on.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}
