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
    processes::{mebibytes, private_mebibytes, resident_mebibytes},
    progress::Progress,
    server::Server,
    sessions,
    table::{Aim, Row, Section, Unit, median},
};

/// When a server that nobody asks anything has settled.
const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn measure(binary: &Path, pace: Pace, progress: &mut Progress) -> Result<Section> {
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
    let private = private_mebibytes(server.id())?;
    server.stop()?;

    let size = mebibytes(fs::metadata(binary)?.len() / 1_024);
    let mut rows = vec![
        Row::alone(
            "process/start",
            "Start to ready, database exists",
            median(starts),
            Unit::Millis,
            Some(Aim::AtMost(50.0)),
        ),
        Row::alone(
            "process/idle",
            "Memory when idle",
            idle,
            Unit::Mebibytes,
            Some(Aim::AtMost(16.0)),
        ),
        Row::alone(
            "process/private",
            "Of it without pages of files",
            private,
            Unit::Mebibytes,
            None,
        ),
        Row::alone(
            "process/size",
            "Size of the binary",
            size,
            Unit::Mebibytes,
            None,
        ),
    ];
    rows.extend(sessions::measure(binary, pace, progress)?);
    Ok(Section {
        title: "The process",
        peer: "",
        rows,
    })
}
