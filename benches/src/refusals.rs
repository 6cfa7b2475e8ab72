//! What the time of a refused sign-in tells.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use anyhow::{Context as _, Result};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    args::Pace,
    client::{Client, sign_in},
    composed::Composed,
    progress::Progress,
    sign_in::{PASSWORD, from},
    table::{Aim, Row, Section, Unit, median},
};

const KINDS: [(&str, &str); 3] = [
    ("unknown", "unknown address"),
    ("wrong", "wrong password"),
    ("locked", "locked account, right password"),
];
const LOCKED: u32 = 8;

/// How refusals are looked at.
struct Look {
    /// One at a time shows differences best; with the product's least time that would take half an hour.
    connections: usize,
    id: &'static str,
    name: &'static str,
    options: &'static [&'static str],
    /// Scale of the difference, and what it may be.
    difference: (Unit, Option<Aim>),
}

const LOOKS: [Look; 2] = [
    Look {
        connections: 16,
        id: "refusal",
        name: "Refusal",
        options: &[],
        difference: (Unit::Millis, Some(Aim::AtMost(5.0))),
    },
    Look {
        connections: 1,
        id: "refusal-at-once",
        name: "Without the least time",
        options: &["--floor=0"],
        difference: (Unit::Micros, None),
    },
];

/// Measures refusals of each kind, which take turns.
pub(crate) fn measure(composed: &Composed, pace: Pace, progress: &mut Progress) -> Result<Section> {
    let runtime = Runtime::new()?;
    let mut rows = Vec::new();
    for (at, look) in LOOKS.iter().enumerate() {
        progress.show("refusals", at + 1, LOOKS.len(), "");
        let home = tempfile::tempdir().context("cannot make a directory")?;
        let people = format!("--people={}", pace.refusals);
        let mut options = vec![people, format!("--locked={LOCKED}")];
        options.extend(look.options.iter().map(|option| (*option).to_owned()));
        let server = composed.with_people(home.path(), &options)?;
        let millis = runtime.block_on(refused(server.address, look, pace.refusals))?;
        rows.extend(rows_of(look, &millis));
    }
    Ok(Section {
        title: "Refused sign-ins",
        peer: "",
        rows,
    })
}

fn rows_of(look: &Look, millis: &[Vec<f64>]) -> Vec<Row> {
    let medians: Vec<f64> = millis
        .iter()
        .map(|millis| median(millis.iter().copied()))
        .collect();
    let kinds = KINDS.iter().zip(&medians).map(|((id, kind), value)| {
        let (id, name) = (
            format!("{}/{id}", look.id),
            format!("{}, {kind}", look.name),
        );
        Row::alone(&id, &name, *value, Unit::Millis, None)
    });
    let most = medians.iter().copied().fold(f64::MIN, f64::max);
    let least = medians.iter().copied().fold(f64::MAX, f64::min);
    let (unit, aim) = look.difference;
    let scale = match unit {
        Unit::Micros => 1e3,
        _ => 1.0,
    };
    let difference = Row::alone(
        &format!("{}/difference", look.id),
        &format!("{}, largest difference of the medians", look.name),
        (most - least) * scale,
        unit,
        aim,
    );
    kinds.chain([difference]).collect()
}

/// Returns how many milliseconds each refusal took, by kind.
async fn refused(address: SocketAddr, look: &Look, each: usize) -> Result<Vec<Vec<f64>>> {
    let all = u32::try_from(each * KINDS.len()).context("so many refusals take for ever")?;
    let turn = Arc::new(AtomicU32::new(0));
    let mut crowd = JoinSet::new();
    for _ in 0..look.connections {
        let (client, turn) = (Client::connect(address).await?, Arc::clone(&turn));
        crowd.spawn(ask(client, address, turn, all));
    }
    let mut millis = vec![Vec::new(); KINDS.len()];
    while let Some(taken) = crowd.join_next().await {
        for (kind, took) in taken?? {
            if let Some(millis) = millis.get_mut(kind) {
                millis.push(took);
            }
        }
    }
    Ok(millis)
}

async fn ask(
    mut client: Client,
    address: SocketAddr,
    turn: Arc<AtomicU32>,
    all: u32,
) -> Result<Vec<(usize, f64)>> {
    let mut taken = Vec::new();
    loop {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        if turn >= all {
            return Ok(taken);
        }
        let (kind, number) = (turn as usize % KINDS.len(), turn / 3);
        // Whoever fails twice at one account is told to wait, and that is another case.
        let (email, password) = match kind {
            0 => (format!("nobody-{number}@bench.example"), "a wrong password"),
            1 => (format!("person-{number}@bench.example"), "a wrong password"),
            _ => (
                format!("locked-{}@bench.example", number % LOCKED),
                PASSWORD,
            ),
        };
        let request = sign_in(address, &from(turn), &email, password);
        let start = Instant::now();
        client.ask(request.as_bytes(), 401).await?;
        taken.push((kind, start.elapsed().as_secs_f64() * 1e3));
    }
}
