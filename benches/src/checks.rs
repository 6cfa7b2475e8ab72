//! The checks of `benches/checks.rs`.

use anyhow::Result;

use crate::{
    args::Pace,
    criteria::Medians,
    progress::Progress,
    table::{Aim, Row, Section, Unit},
};

/// The name under which it is measured, what it is, and how many nanoseconds it may take.
const CHECKS: &[(&str, &str, Option<f64>)] = &[
    (
        "permission/route/allow",
        "Permission of a route, allowed",
        Some(2.0),
    ),
    (
        "permission/route/deny",
        "Permission of a route, denied",
        Some(2.0),
    ),
    (
        "permission/text/allow",
        "Permission from text, allowed",
        Some(20.0),
    ),
    (
        "permission/text/deny",
        "Permission from text, denied",
        Some(20.0),
    ),
    (
        "permission/id/allow",
        "Permission from text with an id, allowed",
        None,
    ),
    (
        "permission/id/deny",
        "Permission from text with an id, denied",
        None,
    ),
    (
        "permission/1000/allow",
        "The same among 1,000 grants, allowed",
        None,
    ),
    (
        "permission/1000/deny",
        "The same among 1,000 grants, denied",
        None,
    ),
    ("license/at", "Licence, time known", Some(5.0)),
    ("license/now", "Licence, clock read for it", Some(5.0)),
    ("session/cookie", "Session in a sealed cookie", None),
    ("session/memory", "Session among 10,000 in memory", None),
    ("session/sqlite", "Session among 10,000 in SQLite", None),
];

/// Measures all checks.
pub(crate) fn measure(pace: Pace, progress: &mut Progress) -> Result<Section> {
    let medians = Medians::of("checks", CHECKS.len(), pace, progress)?;
    let rows = CHECKS.iter().map(|&(id, name, aim)| {
        let aim = aim.map(Aim::AtMost);
        Ok(Row::alone(id, name, medians.nanos(id)?, Unit::Nanos, aim))
    });
    Ok(Section {
        title: "Checks of a request",
        peer: "",
        rows: rows.collect::<Result<_>>()?,
    })
}
