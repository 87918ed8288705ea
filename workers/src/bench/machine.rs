//! The machine the figures are from, and what it spends.

use serde::Serialize;
use std::{fs, path::PathBuf};

/// What it is.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_mb: u64,
    pub os: String,
}

impl Machine {
    /// This machine, as far as it tells.
    pub fn this() -> Self {
        let field = |file: &str, key: &str| -> Option<String> {
            let text = fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory_kb = field("/proc/meminfo", "MemTotal").and_then(|m| m.split(' ').next()?.parse::<u64>().ok());
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_mb: memory_kb.unwrap_or(0) / 1_024,
            os: std::env::consts::OS.to_owned(),
        }
    }
}

/// CPU seconds spent so far. On systems without `/proc` they are zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// By the whole machine.
    pub machine: f64,
    /// By this process.
    pub process: f64,
}

/// Clock ticks a second in `/proc`: fixed at 100 on every Linux architecture in use (`USER_HZ`, proc(5)).
const TICKS: f64 = 100.0;

impl Usage {
    /// As of now.
    pub fn now() -> Self {
        Self { machine: machine_ticks().unwrap_or(0.0) / TICKS, process: Process::this().cpu_seconds().unwrap_or(0.0) }
    }

    /// What was spent since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { machine: self.machine - earlier.machine, process: self.process - earlier.process }
    }
}

/// user + nice + system + irq + softirq of all cores.
fn machine_ticks() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> = text.lines().next()?.split_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
    Some([0, 1, 2, 5, 6].iter().filter_map(|&i| fields.get(i)).sum())
}

/// A process of this machine. On systems without `/proc` nothing is known of it.
#[derive(Clone, Debug)]
pub struct Process(PathBuf);

impl Process {
    /// This one.
    pub fn this() -> Self {
        Self("/proc/self".into())
    }

    /// That one.
    pub fn of(pid: u32) -> Self {
        Self(format!("/proc/{pid}").into())
    }

    /// CPU that it spent: utime + stime; the name in front of them is in parentheses and may hold spaces.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let text = fs::read_to_string(self.0.join("stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / TICKS)
    }

    /// Its resident memory, in MiB.
    pub fn memory_mb(&self) -> Option<f64> {
        let text = fs::read_to_string(self.0.join("status")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1_024.0)
    }
}
