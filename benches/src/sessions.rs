//! What many sessions take.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    args::Pace,
    client::{Client, sign_in},
    load::CONNECTIONS,
    processes::resident_mebibytes,
    progress::Progress,
    server::Server,
    table::{Aim, Row, Unit},
};

/// Sessions that one person can have.
const EACH: usize = 20;
/// The number that the aim is for.
const AIM_IS_FOR: usize = 100_000;
/// When a server has settled.
const SETTLED: Duration = Duration::from_secs(2);

const KINDS: [(&str, &str); 2] = [
    ("memory", "sessions in memory"),
    ("store", "sessions in SQLite, all in use"),
];

/// Measures how much more memory is resident when everybody is signed in and has been seen.
pub(crate) fn measure(binary: &Path, pace: Pace, progress: &mut Progress) -> Result<Vec<Row>> {
    let count = pace.sessions;
    let rows = KINDS.iter().enumerate().map(|(at, (kind, name))| {
        progress.show("sessions", at + 1, KINDS.len(), name);
        let aim = (count == AIM_IS_FOR).then_some(Aim::AtMost(100.0));
        let name = format!("Memory of {count} {name}");
        let value = taken_by(binary, kind, count)?;
        let id = format!("process/sessions-{kind}");
        Ok(Row::alone(&id, &name, value, Unit::Mebibytes, aim))
    });
    rows.collect()
}

fn taken_by(binary: &Path, kind: &str, count: usize) -> Result<f64> {
    let home = tempfile::tempdir().context("cannot make a directory")?;
    let people = count.div_ceil(EACH);
    fs::write(home.path().join("mastra-ee.toml"), config(kind, people))?;
    let server = Server::product(Command::new(binary), home.path())?;
    thread::sleep(SETTLED);
    let before = resident_mebibytes(server.id())?;
    Runtime::new()?.block_on(everybody(server.address, people, count))?;
    thread::sleep(SETTLED);
    let after = resident_mebibytes(server.id())?;
    server.stop()?;
    Ok(after - before)
}

fn config(kind: &str, people: usize) -> String {
    let mut text = format!("[sessions]\nkind = \"{kind}\"\n");
    for number in 0..people {
        let token = token(number);
        let _ = write!(
            text,
            "[simple.tokens.{token}]\nid = \"person-{number}\"\nrole = \"viewer\"\n"
        );
    }
    text
}

fn token(number: usize) -> String {
    format!("token-of-a-person-of-the-bench-{number}")
}

/// Signs everybody in, and asks once by every session.
async fn everybody(address: SocketAddr, people: usize, count: usize) -> Result<()> {
    let turn = Arc::new(AtomicUsize::new(0));
    let mut crowd = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (mut client, turn) = (Client::connect(address).await?, Arc::clone(&turn));
        crowd.spawn(async move {
            let turn = || Some(turn.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < count);
            while let Some(turn) = turn() {
                let token = token(turn % people);
                let request = sign_in(address, "", "person@bench.example", &token);
                let cookie = client.ask(request.as_bytes(), 200).await?.cookie()?;
                let request =
                    format!("GET /api/auth/me HTTP/1.1\r\nHost: {address}\r\n{cookie}\r\n\r\n");
                client.ask(request.as_bytes(), 200).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = crowd.join_next().await {
        done??;
    }
    Ok(())
}
