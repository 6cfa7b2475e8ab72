//! What the system tells of a process, and where it lets one run.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result};

use crate::machine::Machine;

/// Returns the CPU time that a process has used.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    // The name in parentheses may hold anything.
    let (_, rest) = text.rsplit_once(')').context("a strange process")?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let (user, system) = (ticks(), ticks());
    // Linux counts hundredths of a second here, whatever its own clock does.
    let sum = user.zip(system).map(|(user, system)| user + system);
    sum.map(|ticks| Duration::from_millis(ticks * 10))
        .context("a strange process")
}

/// Returns how much memory of a process is resident.
pub(crate) fn resident_mebibytes(process: u32) -> Result<f64> {
    memory_mebibytes(process, "VmRSS:")
}

/// Returns how much of it is not of files, such as that of the program, which the system takes back when it likes.
pub(crate) fn private_mebibytes(process: u32) -> Result<f64> {
    memory_mebibytes(process, "RssAnon:")
}

fn memory_mebibytes(process: u32, what: &str) -> Result<f64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix(what)?.split_ascii_whitespace().next())
        .context("a process without memory")?;
    Ok(mebibytes(kibibytes.parse()?))
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is so large")]
pub(crate) fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1_024.0
}

/// Wraps a program so that it stays on one core, where that is possible.
pub(crate) fn pinned(program: &Path, core: u8, machine: &Machine) -> Command {
    if !machine.pins {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}
