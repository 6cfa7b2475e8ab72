//! Sign-ins with passwords beside the hash alone.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    args::Pace,
    client::{Client, sign_in},
    composed::Composed,
    progress::Progress,
    table::{Aim, Row, Section, Unit, median},
};

/// What everybody's password is in `benches/composed`.
pub(crate) const PASSWORD: &str = "violet tractor sings";
const PEOPLE: u32 = 200;
/// Connections at once: enough that no core waits for a password.
const CONNECTIONS: usize = 8;
/// How often both take turns.
const ROUNDS: usize = 5;

/// Measures how many sign-ins there are a second, and how many hashes.
pub(crate) fn measure(composed: &Composed, pace: Pace, progress: &mut Progress) -> Result<Section> {
    let home = tempfile::tempdir().context("cannot make a directory")?;
    let people = format!("--people={PEOPLE}");
    let server = composed.with_people(home.path(), &[people])?;
    let runtime = Runtime::new()?;
    let time = pace.load * 2;
    let turn = Arc::new(AtomicU32::new(0));
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        progress.show("sign-ins", round, ROUNDS, "");
        let hashes = composed.hashes_per_second(time)?;
        let sign_ins = runtime.block_on(per_second(server.address, time, &turn))?;
        rounds.push((sign_ins, hashes));
    }
    let row = Row::alone(
        "sign-in/rate",
        "Sign-ins with a password, SQLite",
        median(rounds.iter().map(|(sign_ins, _)| *sign_ins)),
        Unit::PerSecond,
        Some(Aim::AtLeast(0.95)),
    );
    let hashes = median(rounds.iter().map(|(_, hashes)| *hashes));
    let ratio = median(rounds.iter().map(|(sign_ins, hashes)| sign_ins / hashes));
    Ok(Section {
        title: "Sign-ins",
        peer: "Hash alone",
        rows: vec![row.beside(hashes, ratio)],
    })
}

async fn per_second(address: SocketAddr, time: Duration, turn: &Arc<AtomicU32>) -> Result<f64> {
    let start = Instant::now();
    let mut crowd = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (mut client, turn) = (Client::connect(address).await?, Arc::clone(turn));
        crowd.spawn(async move {
            let mut done = 0.0;
            while start.elapsed() < time {
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let email = format!("person-{}@bench.example", turn % PEOPLE);
                let request = sign_in(address, &from(turn), &email, PASSWORD);
                client.ask(request.as_bytes(), 200).await?;
                done += 1.0;
            }
            anyhow::Ok(done)
        });
    }
    let mut sum = 0.0;
    while let Some(done) = crowd.join_next().await {
        sum += done??;
    }
    // The last ones may have taken longer than the time.
    Ok(sum / start.elapsed().as_secs_f64())
}

/// Tells that a request comes from an address of its own: from one there may be few sign-ins.
pub(crate) fn from(turn: u32) -> String {
    let [_, a, b, c] = turn.to_be_bytes();
    format!("X-Forwarded-For: 10.{a}.{b}.{c}\r\n")
}
