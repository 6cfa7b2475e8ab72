//! The process: how soon it is ready and what it takes.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::{
    args::Pace,
    product::Server,
    progress::Progress,
    table::{Aim, Row, Unit, median},
};

/// When a server that nobody asks anything has settled.
const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn measure(binary: &Path, pace: Pace, progress: &mut Progress) -> Result<Vec<Row>> {
    let home = tempfile::tempdir().context("cannot make a directory")?;
    // The first start makes the database.
    Server::product(Command::new(binary), home.path())?.stop()?;

    let mut starts = Vec::new();
    for turn in 1..=pace.starts {
        progress.show("start", turn, pace.starts, "");
        let start = Instant::now();
        let server = Server::product(Command::new(binary), home.path())?;
        starts.push(start.elapsed().as_secs_f64() * 1e3);
        server.stop()?;
    }

    let server = Server::product(Command::new(binary), home.path())?;
    thread::sleep(IDLE);
    let idle = resident_mebibytes(server.id())?;
    server.stop()?;

    let size = mebibytes(fs::metadata(binary)?.len() / 1_024);
    Ok(vec![
        row(
            "process/start",
            "Start to ready, database exists",
            median(starts),
            Unit::Millis,
            Some(Aim::AtMost(50.0)),
        ),
        row(
            "process/idle",
            "Memory when idle",
            idle,
            Unit::Mebibytes,
            Some(Aim::AtMost(16.0)),
        ),
        row(
            "process/size",
            "Size of the binary",
            size,
            Unit::Mebibytes,
            None,
        ),
    ])
}

fn row(id: &str, name: &str, value: f64, unit: Unit, aim: Option<Aim>) -> Row {
    Row {
        id: id.to_owned(),
        name: name.to_owned(),
        value,
        unit,
        bare: None,
        beside: None,
        aim,
    }
}

fn resident_mebibytes(process: u32) -> Result<f64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_ascii_whitespace().next())
        .context("a process without memory")?;
    Ok(mebibytes(kibibytes.parse()?))
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is so large")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1_024.0
}
