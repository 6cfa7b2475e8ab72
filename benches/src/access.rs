//! Roles and grants of a store: `benches/access`.

use anyhow::Result;

use crate::{
    args::Pace,
    criteria::Medians,
    progress::Progress,
    table::{Aim, Row, Section, Unit},
};

/// One thing that is measured.
struct Case {
    id: &'static str,
    name: &'static str,
    unit: Unit,
    /// What does the same and nothing else.
    peer: Option<&'static str>,
    aim: Option<Aim>,
}

const fn case(id: &'static str, name: &'static str, unit: Unit) -> Case {
    Case {
        id,
        name,
        unit,
        peer: None,
        aim: None,
    }
}

impl Case {
    const fn beside(mut self, peer: &'static str) -> Self {
        self.peer = Some(peer);
        self
    }

    const fn aim(mut self, aim: Aim) -> Self {
        self.aim = Some(aim);
        self
    }
}

const ROLES: &[Case] = &[
    case("roles/10/check", "Somebody with 10 of them", Unit::Nanos).beside("roles/10/set"),
    case("roles/1000/check", "Somebody with all of them", Unit::Nanos).beside("roles/1000/set"),
    case(
        "roles/10/anew",
        "The first time after a change of the roles",
        Unit::Micros,
    ),
];

const FROM_MEMORY: Aim = Aim::FigureAtMost(250.0);

const REMEMBERED: &[Case] = &[
    case(
        "grants/one/100000/check",
        "100,000 grants of one person",
        Unit::Nanos,
    )
    .beside("grants/one/100000/index"),
    case(
        "grants/one/1000000/check",
        "1,000,000 grants of one person",
        Unit::Nanos,
    )
    .beside("grants/one/1000000/index")
    .aim(FROM_MEMORY),
    case(
        "grants/five/1000000/check",
        "1,000,000 grants of one person, two groups, two roles",
        Unit::Nanos,
    )
    .beside("grants/five/1000000/index")
    .aim(FROM_MEMORY),
    case(
        "grants/one/1000000/user",
        "1,000,000 grants of one person, who is looked up too",
        Unit::Nanos,
    )
    .beside("grants/one/1000000/index"),
    case(
        "grants/many/100000/user",
        "100,000 grants of 10,000 people, looked up too",
        Unit::Nanos,
    )
    .beside("grants/many/100000/index"),
    case(
        "grants/many/1000000/user",
        "1,000,000 grants of 10,000 people, looked up too",
        Unit::Nanos,
    )
    .beside("grants/many/1000000/index"),
    case(
        "grants/one/1000000/reading",
        "The first time after a change of the 1,000,000 grants of one person",
        Unit::Millis,
    ),
];

const READ: Aim = Aim::AtMost(1.2);

const ASKED: &[Case] = &[
    case(
        "grants/one/100000/store",
        "SQLite, 100,000 grants of one person",
        Unit::Micros,
    )
    .beside("grants/one/100000/query"),
    case(
        "grants/one/1000000/store",
        "SQLite, 1,000,000 grants of one person",
        Unit::Micros,
    )
    .beside("grants/one/1000000/query")
    .aim(READ),
    case(
        "grants/many/100000/store",
        "SQLite, 100,000 grants of 10,000 people",
        Unit::Micros,
    )
    .beside("grants/many/100000/query"),
    case(
        "grants/many/1000000/store",
        "SQLite, 1,000,000 grants of 10,000 people",
        Unit::Micros,
    )
    .beside("grants/many/1000000/query")
    .aim(READ),
    case(
        "grants/postgres/store",
        "PostgreSQL, 1,000,000 grants of 10,000 people",
        Unit::Micros,
    )
    .beside("grants/postgres/query")
    .aim(READ),
];

const PAGE_REMEMBERED: Aim = Aim::FigureAtMost(50.0);
const PAGE_READ: Aim = Aim::FigureAtMost(2_000.0);

const LISTS: &[Case] = &[
    case(
        "grants/one/100000/list",
        "SQLite, remembered, 100,000 grants of one person",
        Unit::Micros,
    )
    .beside("grants/one/100000/list-query"),
    case(
        "grants/one/1000000/list",
        "SQLite, remembered, 1,000,000 grants of one person",
        Unit::Micros,
    )
    .beside("grants/one/1000000/list-query")
    .aim(PAGE_REMEMBERED),
    case(
        "grants/many/1000000/list",
        "SQLite, remembered, 1,000,000 grants of 10,000 people",
        Unit::Micros,
    )
    .beside("grants/many/1000000/list-query")
    .aim(PAGE_REMEMBERED),
    case(
        "grants/one/100000/visible",
        "Ids for a list of agents, remembered, 100,000 grants of one person",
        Unit::Micros,
    ),
    case(
        "grants/one/1000000/visible",
        "Ids for a list of agents, remembered, 1,000,000 grants of one person",
        Unit::Micros,
    ),
    case(
        "grants/one/1000000/list-store",
        "SQLite, read, 1,000,000 grants of one person",
        Unit::Micros,
    )
    .beside("grants/one/1000000/list-query")
    .aim(PAGE_READ),
    case(
        "grants/many/1000000/list-store",
        "SQLite, read, 1,000,000 grants of 10,000 people",
        Unit::Micros,
    )
    .beside("grants/many/1000000/list-query")
    .aim(PAGE_READ),
    case(
        "grants/postgres/list-store",
        "PostgreSQL, read, 1,000,000 grants of 10,000 people",
        Unit::Micros,
    )
    .beside("grants/postgres/list-query")
    .aim(PAGE_READ),
];

const SECTIONS: &[(&str, &str, &[Case])] = &[
    (
        "Permission among 1,000 roles of a store",
        "Set alone",
        ROLES,
    ),
    ("A grant, remembered", "Bare index", REMEMBERED),
    ("A grant, asked of the store", "Bare query", ASKED),
    ("First 50 of what somebody may read", "Bare query", LISTS),
];

/// Measures all of it.
pub(crate) fn measure(pace: Pace, progress: &mut Progress) -> Result<Vec<Section>> {
    let cases = SECTIONS.iter().flat_map(|(_, _, cases)| *cases);
    // The peers, of which some are those of several.
    let mut all: Vec<_> = cases.flat_map(|case| [Some(case.id), case.peer]).collect();
    all.sort_unstable();
    all.dedup();
    let medians = Medians::of("access", all.iter().flatten().count(), pace, progress)?;
    let sections = SECTIONS.iter().map(|&(title, peer, cases)| {
        let rows = cases.iter().map(|case| row(case, &medians));
        Ok(Section {
            title,
            peer,
            rows: rows.collect::<Result<_>>()?,
        })
    });
    sections.collect()
}

fn row(case: &Case, medians: &Medians) -> Result<Row> {
    let scale = match case.unit {
        Unit::Millis => 1e6,
        Unit::Micros => 1e3,
        _ => 1.0,
    };
    let value = medians.nanos(case.id)? / scale;
    let row = Row::alone(case.id, case.name, value, case.unit, case.aim);
    Ok(match case.peer {
        Some(peer) => {
            let peer = medians.nanos(peer)? / scale;
            row.beside(peer, value / peer)
        }
        None => row,
    })
}
