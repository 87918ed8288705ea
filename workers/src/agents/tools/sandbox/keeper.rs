//! The keeper: stands between the worker and a program, and ends what the program started when either is gone.

use super::{Order, Report, Task, program, serve};
use nix::sched::{CloneFlags, unshare};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, getpgrp, getpid, kill_process_group, pidfd_open},
};
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt as _},
    },
    process::{Child, Command, ExitCode, Stdio},
};

/// Who a program is in its own user namespace: nobody that has rights there.
const NOBODY: u32 = 65_534;

/// What our program does when it is started as the helper of a [`Sandbox`](super::Sandbox), with the arguments to start
/// it so once more. It must not have started a thread before.
pub fn keep(arguments: &[&str]) -> ExitCode {
    let socket = rustix::stdio::stdin().try_clone_to_owned().map(UnixStream::from);
    let order = socket.and_then(|socket| Ok((read(&socket)?, socket)));
    let Ok((order, socket)) = order else {
        // Nobody but a worker starts it, and a worker says what to do.
        return ExitCode::from(2);
    };
    match order {
        Order::Become(task) => program::become_it(&task, socket),
        Order::Turn(service) => serve::turn_into(&service, socket),
        Order::Serve(service) => {
            if let Err(error) = serve::tend(service, &socket, arguments) {
                let _ = write(&socket, &Report::Refused(error.to_string()));
            }
            serve::end_all();
            end()
        }
        Order::Keep(task) => {
            let report = tend(task, &socket, arguments).unwrap_or_else(|error| Report::Refused(error.to_string()));
            let _ = write(&socket, &report);
            // The worker reads that and kills the group; where there is no worker, the socket ends.
            let _ = (&socket).read(&mut [0]);
            end()
        }
    }
}

pub(super) fn end() -> ExitCode {
    if getpgrp() == getpid() {
        let _ = kill_process_group(getpid(), Signal::KILL);
    }
    ExitCode::FAILURE
}

fn tend(mut task: Task, socket: &UnixStream, arguments: &[&str]) -> io::Result<Report> {
    own_group()?;
    task.apart = apart()?;
    let kept = task.apart;
    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new("/proc/self/exe")
        .args(arguments)
        .env_clear()
        .current_dir(&task.dir)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()?;
    write(&ours, &Order::Become(task))?;
    let mut refused = String::new();
    // Ends when it became the program.
    (&ours).read_to_string(&mut refused)?;
    if !refused.is_empty() {
        return Ok(Report::Refused(refused));
    }
    wait(child, socket, kept)
}

/// What ends a group ends no other process.
pub(super) fn own_group() -> io::Result<()> {
    if getpgrp() == getpid() {
        return Ok(());
    }
    Err(io::Error::other("the sandbox has no process group of its own"))
}

/// How the program ends; ends everything where the worker goes first.
fn wait(mut child: Child, socket: &UnixStream, apart: bool) -> io::Result<Report> {
    let id = Pid::from_raw(child.id() as i32).ok_or_else(|| io::Error::other("the program has no number"))?;
    let process = pidfd_open(id, PidfdFlags::empty())?;
    loop {
        let mut both = [PollFd::new(&process, PollFlags::IN), PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
        match poll(&mut both, None) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled?,
        };
        if !both[0].revents().is_empty() {
            let status = child.wait()?;
            return Ok(Report::Ended { code: status.code(), signal: status.signal(), apart });
        }
        if !both[1].revents().is_empty() {
            end();
        }
    }
}

/// Takes namespaces of its own: none of the network, no view of other processes, and none of them is left when the first
/// in it ends. False where the system gives none.
fn apart() -> io::Result<bool> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let all =
        CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC;
    if unshare(all).is_err() {
        return Ok(false);
    }
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{NOBODY} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{NOBODY} {group} 1"))?;
    Ok(true)
}

fn read(socket: &UnixStream) -> io::Result<Order> {
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

pub(super) fn write(mut socket: &UnixStream, what: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    socket.write_all(&line)
}
