//! The server beside a bare axum server, and beside axum-login.
//!
//! Each request is sent to a server and, with the same bytes, to a bare one that answers with a body of the
//! same size; one after the other, in rounds, so that all see the machine in the same mood.

mod cases;
mod rows;
mod servers;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    args::Pace, composed::Composed, load::Counted, machine::Machine, processes::pinned,
    programs::this_program, progress::Progress, server::Server, table::Section,
};

use cases::Case;
use servers::Servers;

/// One request to both.
struct Round {
    bare: Counted,
    server: Counted,
}

/// Measures all requests.
pub(crate) fn measure(
    binary: &Path,
    composed: &Composed,
    machine: &Machine,
    pace: Pace,
    progress: &mut Progress,
) -> Result<Vec<Section>> {
    let servers = Servers::start(binary, composed, machine)?;
    let mut cases = cases::all(&servers)?;
    beside_bare(&mut cases, machine, pace, progress)?;
    let sections = rows::sections(&cases);
    drop(cases);
    servers.stop()?;
    Ok(sections)
}

/// Measures requests that are in the record.
pub(crate) fn recorded(
    composed: &Composed,
    machine: &Machine,
    pace: Pace,
    progress: &mut Progress,
) -> Result<Section> {
    let home = tempfile::tempdir().context("cannot make a directory")?;
    let server = composed.recorded(home.path(), machine)?;
    let mut cases = cases::recorded(&server)?;
    beside_bare(&mut cases, machine, pace, progress)?;
    Ok(rows::recorded(&cases))
}

/// Sends each request to its server and to a bare one, round by round.
fn beside_bare(
    cases: &mut [Case<'_>],
    machine: &Machine,
    pace: Pace,
    progress: &mut Progress,
) -> Result<()> {
    let bodies = tempfile::tempdir().context("cannot make a directory")?;
    let files = cases.iter().map(|case| case.write_body(bodies.path()));
    let bare = Server::bare(&files.collect::<Result<Vec<_>>>()?, machine)?;

    let count = cases.len();
    for round in 1..=pace.rounds {
        for (at, case) in cases.iter_mut().enumerate() {
            let detail = format!("request {}/{count}: {}", at + 1, case.name);
            progress.show("HTTP round", round, pace.rounds, &detail);
            let load = |server, path: &str| load(server, path, case, machine, pace);
            let round = Round {
                bare: load(&bare, &format!("/{}", case.id))?,
                server: load(case.server, case.path)?,
            };
            case.rounds.push(round);
        }
    }
    Ok(())
}

/// Keeps a server busy from a process on the other core.
fn load(
    server: &Server,
    path: &str,
    case: &Case<'_>,
    machine: &Machine,
    pace: Pace,
) -> Result<Counted> {
    let mut command = pinned(&this_program(), 1, machine);
    command
        .args(["load", &server.address.to_string(), path])
        .args(["--body", &case.body.len().to_string()])
        .args(["--millis", &pace.load.as_millis().to_string()])
        .args(["--server", &server.id().to_string()]);
    if let Some(header) = &case.header {
        command.args(["--header", header]);
    }
    counted(&mut command).with_context(|| format!("`{}`", case.id))
}

fn counted(command: &mut Command) -> Result<Counted> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the load")?;
    ensure!(output.status.success(), "the load failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}
