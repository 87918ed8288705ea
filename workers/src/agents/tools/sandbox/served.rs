//! A server as the worker has it: pipes to it, and a hold. Once the hold is gone, so is the server, with all it started.

use super::{Order, Report, Service, Unfit};
use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as Pair},
    path::PathBuf,
    process::Stdio,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixStream, unix::pipe::Sender},
    process::{Child, ChildStdout, Command},
};

/// What keeps servers: our own program.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// It calls [`keep`](super::keep) when it is started with `arguments`.
    pub helper: PathBuf,
    #[allow(missing_docs)]
    pub arguments: Vec<String>,
}

/// A server that runs. It is killed, and all that it started, when this is dropped or the process is gone.
#[derive(Debug)]
pub struct Served {
    /// Its end is what the keeper waits for.
    _hold: BufReader<UnixStream>,
    /// Never killed itself: it has others to kill. It ends by itself, and the runtime takes note.
    _keeper: Child,
}

impl Served {
    /// Starts `arguments`, whose first is an absolute path, with this environment and no other; with what it reads and
    /// what it says.
    pub async fn start(
        keeper: &Keeper,
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
    ) -> Result<(Self, Sender, ChildStdout), Unfit> {
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let mut hold = BufReader::new(UnixStream::from_std(ours)?);
        let (read, write) = io::pipe()?;
        let write = Sender::from_owned_fd(OwnedFd::from(write))?;
        let mut child = Command::new(&keeper.helper)
            .args(&keeper.arguments)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::from(OwnedFd::from(read)))
            .process_group(0)
            .spawn()?;
        let stdout = child.stdout.take().ok_or(Unfit::Broken)?;
        let mut order =
            serde_json::to_vec(&Order::Serve(Service { arguments, environment })).map_err(io::Error::from)?;
        order.push(b'\n');
        hold.write_all(&order).await?;
        let mut line = Vec::new();
        hold.read_until(b'\n', &mut line).await?;
        match serde_json::from_slice(&line) {
            Ok(Report::Started) => Ok((Self { _hold: hold, _keeper: child }, write, stdout)),
            Ok(Report::Refused(why)) => Err(Unfit::Started(why)),
            _ => Err(Unfit::Broken),
        }
    }
}
