//! What it was measured on.

use std::{fmt, process::Command};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// The machine and what it is built with.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    cpu: String,
    rust: String,
    /// Whether the server has one core and the load another.
    pub(crate) pins: bool,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let rust = Command::new("rustc").arg("--version").output();
        let rust = rust.context("cannot start `rustc`")?.stdout;
        let taskset = Command::new("taskset").arg("--version").output();
        Ok(Self {
            cores,
            cpu: cpu().unwrap_or_else(|| "an unknown CPU".to_owned()),
            rust: String::from_utf8_lossy(&rust).trim().to_owned(),
            pins: cores > 1 && taskset.is_ok_and(|output| output.status.success()),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, .. } = self;
        let place = if self.pins {
            "server on one core, load on another"
        } else {
            "server and load wherever the system put them"
        };
        write!(f, "{cpu}, {cores} cores; {}; {place}.", self.rust)
    }
}

fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned())
}
