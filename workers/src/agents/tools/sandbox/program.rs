//! The program's process before it becomes the program: takes every restriction upon itself, or says why it cannot.

use super::{Limits, Task, calls, files};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use std::{
    fs,
    io::Write as _,
    os::unix::{net::UnixStream, process::CommandExt as _},
    process::{Command, ExitCode, Stdio},
};

/// Becomes the program; the socket closes with that, or says why it could not.
pub(super) fn become_it(task: &Task, mut socket: UnixStream) -> ExitCode {
    let refused = restrict(task).and_then(|()| match task.arguments.split_first() {
        None => Ok(()),
        Some((program, arguments)) => {
            let error = Command::new(program)
                .args(arguments)
                .env_clear()
                .envs(task.environment.iter().cloned())
                .stdin(Stdio::null())
                .exec();
            Err(format!("`{program}` cannot be started: {error}"))
        }
    });
    match refused {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = socket.write_all(why.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn restrict(task: &Task) -> Result<(), String> {
    let said = |what: &'static str| move |error| format!("{what}: {error}");
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(said("it cannot be made to end with its keeper"))?;
    close_inherited()?;
    if !task.apart {
        without_capabilities().map_err(said("root's rights cannot be given up"))?;
    }
    limit(&task.limits, task.apart).map_err(said("limits are not taken"))?;
    files::confine(&task.read, &task.writable)?;
    calls::confine()
}

/// Closes what a careless parent left open: it would be open for the program, too.
pub(super) fn close_inherited() -> Result<(), String> {
    const CLOEXEC: u32 = 0o2_000_000;
    let unreadable = |error| format!("open files cannot be listed: {error}");
    for entry in fs::read_dir("/proc/self/fdinfo").map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let Ok(number) = name.to_string_lossy().parse::<i32>() else { continue };
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).map(str::trim).unwrap_or_default();
        let stays = u32::from_str_radix(flags, 8).map_or(true, |flags| flags & CLOEXEC == 0);
        // Ours all end with an exec, so this is nobody's here. One that is still needed would fail loudly.
        if number > 2 && stays {
            nix::unistd::close(number).map_err(|error| format!("file {number} stays open: {error}"))?;
        }
    }
    Ok(())
}

/// Root stays root by name only: nothing that is started gets a capability back.
fn without_capabilities() -> rustix::io::Result<()> {
    use rustix::thread::{CapabilitySet, capability_is_in_bounding_set, remove_capability_from_bounding_set};
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    for capability in CapabilitySet::all().iter() {
        if capability_is_in_bounding_set(capability).unwrap_or(false) {
            remove_capability_from_bounding_set(capability)?;
        }
    }
    Ok(())
}

fn limit(limits: &Limits, apart: bool) -> rustix::io::Result<()> {
    let Limits { cpu_seconds, memory_bytes, file_bytes, files, processes } = *limits;
    let mut all = vec![
        (Resource::Cpu, cpu_seconds),
        (Resource::As, memory_bytes),
        (Resource::Fsize, file_bytes),
        (Resource::Nofile, files),
        (Resource::Core, 0),
    ];
    if apart {
        all.push((Resource::Nproc, processes));
    }
    for (resource, most) in all {
        // What is lower already stays so.
        let before = rustix::process::getrlimit(resource).maximum;
        let most = Some(before.map_or(most, |before| before.min(most)));
        setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    Ok(())
}
