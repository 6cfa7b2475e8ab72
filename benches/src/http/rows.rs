//! What came of it: medians over the rounds, compared within each round.

use super::{
    Round,
    cases::{Case, Table},
};
use crate::{
    load::Counted,
    table::{Aim, Beside, Row, Section, Unit, median},
};

/// How many of the bare server's requests a second a request must reach that is judged.
const LEAST_RATE: f64 = 0.83;

pub(super) fn sections(cases: &[Case<'_>]) -> Vec<Section> {
    let shown = |tables: &[Table]| -> Vec<Row> {
        let cases = cases.iter().filter(|case| tables.contains(&case.table));
        cases.flat_map(rows).collect()
    };
    let rival = cases.iter().find(|case| case.table == Table::Rival);
    let beside = rival.into_iter().flat_map(|rival| {
        let ours = cases.iter().filter(|case| case.table == Table::Me);
        ours.flat_map(|case| beside_rival(case, rival))
    });
    vec![
        Section {
            title: "Requests",
            peer: "Bare axum",
            rows: shown(&[Table::Requests]),
        },
        Section {
            title: "`GET /api/auth/me` by session cookie",
            peer: "Bare axum",
            rows: shown(&[Table::Me, Table::Rival]),
        },
        Section {
            title: "The same beside axum-login with its sessions in SQLite",
            peer: "axum-login",
            rows: beside.collect(),
        },
    ]
}

pub(super) fn recorded(cases: &[Case<'_>]) -> Section {
    let p50: fn(&Counted) -> f64 = |counted| counted.p50_micros;
    let rows = cases.iter().flat_map(|case| {
        let mut rows = rows(case);
        rows.push(beside_bare(case, ": p50", "p50", Unit::Micros, p50));
        rows
    });
    Section {
        title: "Requests with their record, 32 at once",
        peer: "Bare axum",
        rows: rows.collect(),
    }
}

fn beside_bare(
    case: &Case<'_>,
    what: &str,
    id: &str,
    unit: Unit,
    figure: fn(&Counted) -> f64,
) -> Row {
    let value = median(case.rounds.iter().map(|round| figure(&round.server)));
    let bare = median(case.rounds.iter().map(|round| figure(&round.bare)));
    let ratios = case.rounds.iter();
    let ratio = median(ratios.map(|round| figure(&round.server) / figure(&round.bare)));
    let (id, name) = (
        format!("http/{}/{id}", case.id),
        format!("{}{what}", case.name),
    );
    Row::alone(&id, &name, value, unit, None).beside(bare, ratio)
}

fn rows(case: &Case<'_>) -> Vec<Row> {
    let of = |figure: fn(&Counted) -> f64| {
        let server = median(case.rounds.iter().map(|round| figure(&round.server)));
        let bare = median(case.rounds.iter().map(|round| figure(&round.bare)));
        (server, bare)
    };
    let over = |round: &Round| round.server.cpu_micros - round.bare.cpu_micros;
    let row = |what: &str, id: &str, unit, (value, bare), beside, aim| Row {
        peer: Some(bare),
        beside: Some(beside),
        ..Row::alone(
            &format!("http/{}/{id}", case.id),
            &format!("{}{what}", case.name),
            value,
            unit,
            aim,
        )
    };
    let ratio = |figure: fn(&Counted) -> f64| {
        let ratios = case.rounds.iter();
        Beside::Ratio(median(
            ratios.map(|round| figure(&round.server) / figure(&round.bare)),
        ))
    };
    let mut rows = vec![
        row(
            "",
            "rate",
            Unit::PerSecond,
            of(|counted| counted.per_second),
            ratio(|counted| counted.per_second),
            case.most_over.map(|_| Aim::AtLeast(LEAST_RATE)),
        ),
        row(
            ": CPU",
            "cpu",
            Unit::Micros,
            of(|counted| counted.cpu_micros),
            Beside::Over(median(case.rounds.iter().map(over))),
            case.most_over.map(Aim::AtMost),
        ),
    ];
    if case.most_over.is_some() {
        let p50: fn(&Counted) -> f64 = |counted| counted.p50_micros;
        let p99: fn(&Counted) -> f64 = |counted| counted.p99_micros;
        for (what, id, figure) in [(": p50", "p50", p50), (": p99", "p99", p99)] {
            rows.push(row(what, id, Unit::Micros, of(figure), ratio(figure), None));
        }
    }
    rows
}

fn beside_rival(case: &Case<'_>, rival: &Case<'_>) -> Vec<Row> {
    let rate: fn(&Counted) -> f64 = |counted| counted.per_second;
    let cpu: fn(&Counted) -> f64 = |counted| counted.cpu_micros;
    let figures = [
        ("", "rate", Unit::PerSecond, rate),
        (": CPU", "cpu", Unit::Micros, cpu),
    ];
    let rows = figures.map(|(what, id, unit, figure)| {
        let of = |round: &Round| figure(&round.server);
        let rounds = case.rounds.iter().zip(&rival.rounds);
        let ratio = median(rounds.map(|(ours, theirs)| of(ours) / of(theirs)));
        let value = median(case.rounds.iter().map(of));
        let id = format!("http/{}/axum-login/{id}", case.id);
        Row::alone(&id, &format!("{}{what}", case.name), value, unit, None)
            .beside(median(rival.rounds.iter().map(of)), ratio)
    });
    rows.into()
}
