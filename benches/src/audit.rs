//! The audit record: `benches/audit`.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    args::Pace,
    composed::Composed,
    http,
    machine::Machine,
    programs,
    progress::Progress,
    table::{Aim, Row, Section, Unit},
};

/// A figure of the program.
struct Case {
    id: &'static str,
    name: &'static str,
    unit: Unit,
    aim: Option<Aim>,
    /// What it is compared with, where that is not called as it is with `/raw` behind.
    peer: Option<&'static str>,
}

const fn case(id: &'static str, name: &'static str, unit: Unit, aim: Option<Aim>) -> Case {
    Case {
        id,
        name,
        unit,
        aim,
        peer: None,
    }
}

const fn deep(id: &'static str, name: &'static str, first: &'static str) -> Case {
    Case {
        peer: Some(first),
        ..case(id, name, Unit::Millis, Some(Aim::AtMost(1.2)))
    }
}

const KEEPS_UP: Option<Aim> = Some(Aim::AtLeast(0.6));
const IN_SQLITE: Option<Aim> = Some(Aim::AtMost(1.0));
const IN_POSTGRES: Option<Aim> = Some(Aim::AtMost(2.0));
const COUNTED: Option<Aim> = Some(Aim::AtMost(300.0));
const COPIED: Option<Aim> = Some(Aim::AtLeast(50_000.0));
const VERIFIED: Option<Aim> = Some(Aim::AtLeast(200_000.0));

const TAKEN: &[Case] = &[
    case(
        "ingest/sqlite",
        "SQLite, 512 events a transaction",
        Unit::PerSecond,
        KEEPS_UP,
    ),
    case(
        "ingest/postgres",
        "PostgreSQL, 512 events a transaction",
        Unit::PerSecond,
        KEEPS_UP,
    ),
    case("spool/p50", "Spool, median", Unit::Micros, None),
    case("spool/p99", "Spool, 99 of 100", Unit::Micros, None),
];

const FOUND: &[Case] = &[
    case(
        "page/sqlite/newest",
        "SQLite, newest",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/action",
        "SQLite, one action",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/actions",
        "SQLite, actions of agents",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/actor",
        "SQLite, one person",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/resource",
        "SQLite, one thing",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/outcome",
        "SQLite, denied",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/session",
        "SQLite, one session",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/words",
        "SQLite, two words",
        Unit::Millis,
        IN_SQLITE,
    ),
    case(
        "page/sqlite/month",
        "SQLite, one month",
        Unit::Millis,
        IN_SQLITE,
    ),
    deep(
        "page/sqlite/deep",
        "SQLite, page 10,000",
        "page/sqlite/newest",
    ),
    case(
        "page/postgres/newest",
        "PostgreSQL, newest",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/action",
        "PostgreSQL, one action",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/actions",
        "PostgreSQL, actions of agents",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/actor",
        "PostgreSQL, one person",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/resource",
        "PostgreSQL, one thing",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/outcome",
        "PostgreSQL, denied",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/session",
        "PostgreSQL, one session",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/words",
        "PostgreSQL, two words",
        Unit::Millis,
        IN_POSTGRES,
    ),
    case(
        "page/postgres/month",
        "PostgreSQL, one month",
        Unit::Millis,
        IN_POSTGRES,
    ),
    deep(
        "page/postgres/deep",
        "PostgreSQL, page 10,000",
        "page/postgres/newest",
    ),
    case(
        "facets/sqlite",
        "SQLite, histogram and four facets",
        Unit::Millis,
        COUNTED,
    ),
    case(
        "facets/postgres",
        "PostgreSQL, histogram and four facets",
        Unit::Millis,
        COUNTED,
    ),
];

const WHOLE: &[Case] = &[
    case(
        "export/sqlite",
        "SQLite, copied as lines",
        Unit::PerSecond,
        COPIED,
    ),
    case(
        "export/postgres",
        "PostgreSQL, copied as lines",
        Unit::PerSecond,
        COPIED,
    ),
    case("verify/sqlite", "SQLite, verified", Unit::PerSecond, None),
    case(
        "verify/sqlite/core",
        "SQLite, verified, a second of one core",
        Unit::PerSecond,
        VERIFIED,
    ),
    case(
        "verify/postgres",
        "PostgreSQL, verified",
        Unit::PerSecond,
        VERIFIED,
    ),
];

const SECTIONS: &[(&str, &str, &[Case])] = &[
    ("Events that the record takes", "Rows alone", TAKEN),
    ("Pages among 1,000,000 events, 95 of 100", "Page 1", FOUND),
    ("The whole record", "", WHOLE),
];

/// Builds the program, runs it, and sorts what it says; then asks a server that keeps a record.
pub(crate) fn measure(
    composed: &Composed,
    machine: &Machine,
    pace: Pace,
    progress: &mut Progress,
) -> Result<Vec<Section>> {
    let mut sections = figures(pace, progress)?;
    sections.push(http::recorded(composed, machine, pace, progress)?);
    Ok(sections)
}

fn figures(pace: Pace, progress: &mut Progress) -> Result<Vec<Section>> {
    progress.show("audit", 1, 1, "");
    let mut command = Command::new(programs::bench("audit")?);
    if pace.is_quick {
        command.arg("--quick");
    }
    let output = command
        .stderr(Stdio::null())
        .output()
        .context("cannot start `audit`")?;
    ensure!(output.status.success(), "`audit` cannot be measured");
    let figures: BTreeMap<String, f64> =
        serde_json::from_slice(&output.stdout).context("`audit` says no figures")?;
    let sections = SECTIONS.iter().map(|(title, peer, cases)| {
        let rows = cases.iter().map(|case| row(case, &figures));
        Ok(Section {
            title,
            peer,
            rows: rows.collect::<Result<_>>()?,
        })
    });
    sections.collect()
}

fn row(case: &Case, figures: &BTreeMap<String, f64>) -> Result<Row> {
    let figure = |id: &str| figures.get(id).copied();
    let value = figure(case.id).with_context(|| format!("`{}` was not measured", case.id))?;
    let row = Row::alone(case.id, case.name, value, case.unit, case.aim);
    let peer = case
        .peer
        .map_or_else(|| format!("{}/raw", case.id), str::to_owned);
    Ok(match figure(&peer) {
        Some(peer) => row.beside(peer, value / peer),
        None => row,
    })
}
