//! The keeper of a server: a program of the operator's choice that a worker speaks with over pipes. It is not confined;
//! but all that it starts stays below its keeper, whatever group or session it goes to, and ends with the worker's hold.

use super::{Order, Report, Service, keeper, program::close_inherited};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, set_child_subreaper,
        set_parent_process_death_signal, wait,
    },
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

/// How often those that are left are killed: what does not go is not ours to kill.
const ROUNDS: usize = 5_000;
/// Between two rounds.
const ROUND: Duration = Duration::from_millis(2);

/// Starts a server, and waits until it or the worker is gone. Its pipes are our own: what it writes to is our standard
/// output, what it reads from our standard error, since our standard input is the worker's hold.
pub(super) fn tend(service: Service, socket: &UnixStream, arguments: &[&str]) -> io::Result<()> {
    keeper::own_group()?;
    // Who loses its parent below us becomes our child.
    set_child_subreaper(Some(getpid()))?;
    let (ours, theirs) = UnixStream::pair()?;
    let child =
        Command::new("/proc/self/exe").args(arguments).env_clear().stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
    keeper::write(&ours, &Order::Turn(service))?;
    let mut refused = String::new();
    // Ends when it became the server.
    (&ours).read_to_string(&mut refused)?;
    if !refused.is_empty() {
        return Err(io::Error::other(refused));
    }
    keeper::write(socket, &Report::Started)?;
    let id = Pid::from_raw(child.id() as i32).ok_or_else(|| io::Error::other("the server has no number"))?;
    let process = pidfd_open(id, PidfdFlags::empty())?;
    loop {
        let mut both = [PollFd::new(&process, PollFlags::IN), PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
        match poll(&mut both, None) {
            Err(Errno::INTR) => {}
            polled => return polled.map(drop).map_err(Into::into),
        }
    }
}

/// Becomes the server; the socket closes with that, or says why it could not.
pub(super) fn turn_into(service: &Service, mut socket: UnixStream) -> ExitCode {
    let Err(why) = exec(service);
    let _ = socket.write_all(why.as_bytes());
    ExitCode::FAILURE
}

fn exec(service: &Service) -> Result<std::convert::Infallible, String> {
    let Some((program, arguments)) = service.arguments.split_first() else {
        return Err("it has no command".to_owned());
    };
    let failed = |error: io::Error| format!("`{program}` cannot be started: {error}");
    // Where the keeper itself is killed.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| failed(error.into()))?;
    close_inherited()?;
    let input = rustix::stdio::stderr().try_clone_to_owned().map_err(failed)?;
    let error = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(service.environment.iter().cloned())
        .current_dir("/")
        .stdin(Stdio::from(input))
        // It may say anything there, and nobody reads it.
        .stderr(Stdio::null())
        .exec();
    Err(failed(error))
}

/// Kills all that are below us, until none is left: each of them becomes our child once those above it are gone.
pub(super) fn end_all() {
    for _ in 0..ROUNDS {
        for id in below() {
            // It may be gone already, or be another user's.
            let _ = kill_process(id, Signal::KILL);
        }
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                // Nobody is left who could start another.
                Err(_) => return,
            }
        }
        thread::sleep(ROUND);
    }
}

/// The processes below this one.
fn below() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in front of it may hold anything.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(id);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![getpid().as_raw_nonzero().get()]);
    while let Some(parent) = next.pop() {
        for id in children.remove(&parent).unwrap_or_default() {
            found.extend(Pid::from_raw(id));
            next.push(id);
        }
    }
    found
}
