//! `flotilla sessions export`: a session as JSON lines. The first has the version of the format and the session, each of
//! the others an entry, in the order of arrival.

use crate::{
    cli::backend::Backend,
    exit::{Exit, Failure},
};
use flotilla_jobs::{SessionEntry, SessionId, api::EntriesFrom};
use serde_json::json;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// What the first line says that the others are.
const FORMAT: &str = "flotilla-session";
const VERSION: u32 = 1;

/// Which session, and where it goes.
#[derive(clap::Args)]
pub(super) struct Args {
    id: SessionId,
    /// Write to this file, which must not be there yet
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, backend: &dyn Backend) -> Result<Exit, Failure> {
    let Some(path) = &args.output else {
        let mut out = BufWriter::new(std::io::stdout());
        write(args.id, backend, &mut out).await?;
        out.flush()?;
        return Ok(Exit::Ok);
    };
    let file = create(path)?;
    let mut out = BufWriter::new(file);
    let written = write(args.id, backend, &mut out).await;
    let synced =
        || -> std::io::Result<()> { out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all() };
    if let Err(failure) = written.and_then(|()| Ok(synced()?)) {
        // A part of a session must not be taken for all of it.
        let _ = fs::remove_file(path);
        return Err(failure);
    }
    Ok(Exit::Ok)
}

/// What was said is nobody else's business.
fn create(path: &Path) -> Result<File, Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|e| Failure::usage(format!("cannot make {}: {e}", path.display())))
}

async fn write(id: SessionId, backend: &dyn Backend, out: &mut (impl Write + Send)) -> Result<(), Failure> {
    let session = backend.session(id).await?.ok_or_else(|| Failure::no_session(id))?;
    let head = json!({ "format": FORMAT, "version": VERSION, "session": session });
    out.write_all(format!("{head}\n").as_bytes())?;
    let mut from = Some(EntriesFrom::After(0));
    while let Some(asked) = from {
        let page = backend.entries(id, asked).await?.ok_or_else(|| Failure::no_session(id))?;
        for entry in &page.entries {
            out.write_all(line(entry)?.as_bytes())?;
        }
        from = page.next_of(asked);
    }
    Ok(())
}

/// An entry on one line. A line feed within its content can only be between tokens, where a space means the same.
pub(super) fn line(entry: &SessionEntry) -> Result<String, Failure> {
    let text = serde_json::to_string(entry).map_err(|e| Failure::unavailable(format!("cannot print: {e}")))?;
    Ok(format!("{}\n", text.replace(['\n', '\r'], " ")))
}
