//! What the machine has left.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;

/// Free space for us on the disk that holds `path`, in bytes; `None` where that cannot be known.
pub fn disk_free(path: &Path) -> Option<u64> {
    // The directory may not exist yet; its nearest parent is on the same disk.
    let there = path.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Memory the process could still get, in bytes: what the machine has available, or what its control group allows,
/// whichever is less. `None` where that cannot be known.
pub fn memory_free() -> Option<u64> {
    let machine = meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?);
    let group = || -> Option<u64> {
        let read = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
        let limit: u64 = read("memory.max")?.trim().parse().ok()?;
        let used: u64 = read("memory.current")?.trim().parse().ok()?;
        // Pages of files are given back when they are needed.
        let cached = read("memory.stat").as_deref().and_then(|stat| field(stat, "inactive_file")).unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(cached)))
    };
    match (machine, group()) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (machine, group) => machine.or(group),
    }
}

/// Raises the limit of open files to what the system allows: each answer that streams is a connection, and the usual limit
/// of 1,024 is there for programs that use `select`.
pub fn open_many_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Refused, it is as it was.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

fn meminfo(text: &str) -> Option<u64> {
    field(text, "MemAvailable:").map(|kib| kib * 1024)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read() {
        assert_eq!(meminfo("MemTotal:  10 kB\nMemAvailable:    4 kB\n"), Some(4096));
        assert_eq!(meminfo("MemTotal: 10 kB\n"), None);
    }

    #[test]
    fn a_directory_that_is_missing_counts_as_its_parent() {
        assert!(disk_free(Path::new("/no/such/directory")).is_some());
    }
}
