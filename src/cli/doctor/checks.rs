//! What is looked at. Each check stands alone, so that one that fails hides no other.

use super::{Check, Session, providers};
use crate::{
    agents, archive,
    cli::queues::waiting,
    config::{Listen, is_secret, may_listen},
    exit::Exit,
    machine,
    open::Place,
};
use flotilla_jobs::api::QueueStats;
use flotilla_workers::agents::kit::{Readiness, State};
use std::{os::unix::fs::PermissionsExt, process::Command};
use tokio::net::TcpListener;

const MIB: u64 = 1024 * 1024;
const SANDBOX: &str = "sandbox";

/// Every check, in the order in which they matter.
pub async fn all(session: &Session) -> Vec<Check> {
    let mut checks = vec![configuration(session), secrets(session), git()];
    checks.extend(store(session).await);
    checks.push(objects(session).await);
    checks.push(disk(session));
    checks.push(memory(session));
    checks.push(listen(session, "http.listen", session.loaded.config.http.listen).await);
    checks.push(listen(session, "worker.http.listen", session.loaded.config.worker.http.listen).await);
    checks.push(review_roots(session));
    checks.push(sandbox().await);
    checks.extend(tools(session).await);
    checks.push(server(session).await);
    checks.extend(providers::all(&session.loaded.catalog).await);
    checks
}

fn configuration(session: &Session) -> Check {
    let set = session.loaded.layers.iter().filter(|(key, _)| !session.loaded.is_default(key)).count();
    let file = session.loaded.file.as_ref().map_or("no file".to_owned(), |path| path.display().to_string());
    Check::ok("configuration", format!("{file}; {set} settings are not the defaults"))
}

/// A file with secrets in it is for its owner only.
fn secrets(session: &Session) -> Check {
    const NAME: &str = "secrets";
    let Some(path) = &session.loaded.file else { return Check::ok(NAME, "no configuration file holds any") };
    let held = session.loaded.layers.iter().any(|(key, entry)| is_secret(key) && entry.origin.kind() == "file");
    let open = std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    if held && open {
        let fix = format!("chmod 600 {}, or move the secrets to files of their own (…_file)", path.display());
        return Check::warn(NAME, format!("{} holds secrets and others can read it", path.display()), fix);
    }
    Check::ok(NAME, "nobody else can read them")
}

/// Tools that act: what is configured, and whether it can be used here.
async fn tools(session: &Session) -> Vec<Check> {
    const NAME: &str = "tools";
    if let Err(failure) = agents::definitions(&session.loaded) {
        let correct = "correct agents.dir, its files or roles";
        return vec![Check::fail("agents", failure.exit, failure.message, correct)];
    }
    let check = |Readiness { tool, state, detail }| match state {
        State::Ready | State::Off => Check::ok(NAME, format!("{tool} is {}: {detail}", state.as_str())),
        State::Unfit if tool.starts_with("mcp__") => {
            let fix = "start it, or correct its [mcp.NAME]; its tools are not offered until then";
            Check::warn(NAME, format!("{tool}: {detail}"), fix)
        }
        State::Unfit => {
            Check::warn(NAME, format!("{tool}: {detail}"), "every call of it is refused until this is mended")
        }
    };
    session.loaded.kit.readiness().await.into_iter().map(check).collect()
}

/// Whether programs that agents run could be confined here; where not, none is run.
#[cfg(target_os = "linux")]
async fn sandbox() -> Check {
    use flotilla_workers::agents::tools::sandbox::Sandbox;
    let own = Sandbox::new("/proc/self/exe", &[crate::cli::SANDBOX_EXEC]);
    match own.check().await {
        Ok(true) => Check::ok(SANDBOX, "programs of agents can be confined, in namespaces of their own"),
        Ok(false) => Check::ok(SANDBOX, "programs of agents can be confined, without namespaces of their own"),
        Err(error) => Check::warn(SANDBOX, error.to_string(), "no program is run for an agent until they can be"),
    }
}

#[cfg(not(target_os = "linux"))]
async fn sandbox() -> Check {
    Check::warn(SANDBOX, "programs can be confined on Linux only", "no program is run for an agent")
}

fn git() -> Check {
    const NAME: &str = "git";
    match Command::new("git").arg("--version").output() {
        Ok(output) if output.status.success() => {
            Check::ok(NAME, String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => {
            Check::fail(NAME, Exit::Unavailable, "not found; code-review needs it", "install git (apt-get install git)")
        }
    }
}

async fn store(session: &Session) -> Vec<Check> {
    const NAME: &str = "store";
    let place = match Place::of(&session.loaded) {
        Ok(place) => place,
        Err(failure) => return vec![Check::fail(NAME, failure.exit, failure.message, "see above")],
    };
    let what = match &place {
        Place::Sqlite(path) => format!("SQLite file {}", path.display()),
        Place::Remote(_) => "Redis and PostgreSQL".to_owned(),
    };
    let store = match place.open(false).await {
        Ok(store) => store,
        Err(failure) => {
            let fix = if failure.message.contains("migrat") {
                "run `flotilla migrate`"
            } else {
                "start it, or correct store.url, store.redis_url or store.postgres_url (`flotilla config` shows them)"
            };
            return vec![Check::fail(NAME, failure.exit, format!("{what}: {failure}"), fix)];
        }
    };
    let mut checks = vec![Check::ok(NAME, format!("{what}: opens, and is migrated"))];
    for dependency in store.health().await {
        let found = format!("{} answers in {} ms: {}", dependency.name, dependency.latency_ms, dependency.detail);
        checks.push(if dependency.ok {
            Check::ok("dependency", found)
        } else {
            Check::fail(
                "dependency",
                Exit::Unavailable,
                format!("{}: {}", dependency.name, dependency.detail),
                "start it",
            )
        });
    }
    if let Ok(queues) = store.queues().await {
        checks.push(kinds(&queues));
    }
    store.close().await;
    checks
}

/// Where sessions go that nobody spoke in for long, and come back from.
async fn objects(session: &Session) -> Check {
    const NAME: &str = "archive";
    let Some(url) = &session.loaded.config.sessions.archive_url else {
        return Check::ok(NAME, "none configured: sessions stay on record");
    };
    match archive::probe(url).await {
        Ok(()) => Check::ok(NAME, format!("{url}: an object was written, read and removed")),
        Err(trouble) => Check::fail(NAME, Exit::Unavailable, format!("{url}: {}", trouble.found), trouble.fix),
    }
}

/// Jobs of kinds that no worker knows wait for ever.
fn kinds(queues: &[QueueStats]) -> Check {
    const NAME: &str = "kinds";
    let waiting: Vec<String> = queues.iter().flat_map(waiting).collect();
    if waiting.is_empty() {
        return Check::ok(NAME, "every job that waits is of a kind that its workers know");
    }
    let fix = "start a worker of the version that knows it, or cancel them (`flotilla cancel --kind KIND --state pending --all`)";
    Check::warn(NAME, waiting.join("; "), fix)
}

fn disk(session: &Session) -> Check {
    const NAME: &str = "disk";
    let Ok(place) = Place::of(&session.loaded) else { return Check::ok(NAME, "no store to look at") };
    let least = session.loaded.config.health.min_disk_free_mib;
    let dir = place.disk();
    match machine::disk_free(&dir).map(|bytes| bytes / MIB) {
        Some(free) if free < least => Check::fail(
            NAME,
            Exit::Findings,
            format!("{free} MiB free at {}, less than health.min_disk_free_mib = {least}", dir.display()),
            "make room, or lower worker.prune_after_days",
        ),
        Some(free) => Check::ok(NAME, format!("{free} MiB free at {}", dir.display())),
        None => Check::ok(NAME, "free space cannot be known on this system"),
    }
}

fn memory(session: &Session) -> Check {
    const NAME: &str = "memory";
    let least = session.loaded.config.health.min_memory_free_mib;
    match machine::memory_free().map(|bytes| bytes / MIB) {
        Some(free) if free < least => Check::fail(
            NAME,
            Exit::Findings,
            format!("{free} MiB available, less than health.min_memory_free_mib = {least}"),
            "give the process more, or lower worker.concurrency",
        ),
        Some(free) => Check::ok(NAME, format!("{free} MiB available")),
        None => Check::ok(NAME, "available memory cannot be known on this system"),
    }
}

async fn listen(session: &Session, key: &'static str, listen: Listen) -> Check {
    let Listen::On(address) = listen else { return Check::ok(key, "off") };
    if let Err((_, message)) = may_listen(key, address, session.loaded.config.http.token.is_some()) {
        return Check::fail(key, Exit::Usage, message, "set http.token_file, or listen on 127.0.0.1");
    }
    match TcpListener::bind(address).await {
        Ok(_) => Check::ok(key, format!("{address} is free")),
        Err(error) => {
            Check::warn(key, format!("{address}: {error}"), format!("fine where flotilla runs already; else set {key}"))
        }
    }
}

fn review_roots(session: &Session) -> Check {
    const NAME: &str = "http.review_roots";
    let roots = &session.loaded.config.http.review_roots;
    match roots.iter().find(|root| !root.is_dir()) {
        Some(missing) => {
            let found = format!("{} is not a directory here", missing.display());
            Check::warn(NAME, found, "make it, or correct the setting; fine where only workers see it")
        }
        None if roots.is_empty() => Check::ok(NAME, "none: over HTTP only diffs are reviewed"),
        None => Check::ok(NAME, format!("{} directories", roots.len())),
    }
}

async fn server(session: &Session) -> Check {
    const NAME: &str = "server";
    let client = match session.client() {
        Ok(None) => return Check::ok(NAME, "none configured: commands open the store"),
        Ok(Some(client)) => client,
        Err(failure) => return Check::fail(NAME, Exit::Usage, failure.message, "correct server.url and server.token"),
    };
    match client.health().await {
        Ok((true, _)) => Check::ok(NAME, "answers, and is well"),
        Ok((false, report)) => Check::fail(NAME, Exit::Unavailable, format!("is not well: {report}"), "see its log"),
        Err(error) => {
            Check::fail(NAME, Exit::Unavailable, error.to_string(), "start it, or correct server.url and server.token")
        }
    }
}
