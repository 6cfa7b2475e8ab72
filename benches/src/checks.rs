//! The checks of `benches/checks.rs`: runs them with criterion and reads what it found.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::{
    args::Pace,
    product::built,
    progress::Progress,
    table::{Aim, Row, Unit},
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
pub(crate) fn measure(pace: Pace, progress: &mut Progress) -> Result<Vec<Row>> {
    let results = tempfile::tempdir().context("cannot make a directory")?;
    let seconds = pace.check.as_secs_f64();
    let mut child = Command::new(build()?)
        .arg("--bench")
        .args(["--warm-up-time", &(seconds / 4.0).to_string()])
        .args(["--measurement-time", &seconds.to_string()])
        .env("CRITERION_HOME", results.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the checks")?;
    if let Some(out) = child.stdout.take() {
        let mut done = 0;
        progress.show("check", 1, CHECKS.len(), "");
        for line in BufReader::new(out).lines() {
            if line?.contains("time:") {
                done += 1;
                progress.show("check", (done + 1).min(CHECKS.len()), CHECKS.len(), "");
            }
        }
    }
    ensure!(child.wait()?.success(), "the checks cannot be measured");
    CHECKS
        .iter()
        .map(|&(id, name, aim)| {
            Ok(Row {
                id: id.to_owned(),
                name: name.to_owned(),
                value: median_nanos(results.path(), id)?,
                unit: Unit::Nanos,
                bare: None,
                beside: None,
                aim: aim.map(Aim::AtMost),
            })
        })
        .collect()
}

/// Builds with the profile of the product, so that what both need is built once.
fn build() -> Result<PathBuf> {
    let profile = ["bench", "--no-run", "--profile", "release"];
    let bench = ["--package", "benches", "--bench", "checks"];
    built("checks", &[profile, bench].concat())
}

fn median_nanos(results: &Path, id: &str) -> Result<f64> {
    #[derive(Deserialize)]
    struct Estimates {
        median: Estimate,
    }
    #[derive(Deserialize)]
    struct Estimate {
        point_estimate: f64,
    }
    let directory = results.join(id.replace('/', "_"));
    let file = directory.join("new/estimates.json");
    let text = std::fs::read(&file).with_context(|| format!("`{id}` was not measured"))?;
    let Estimates { median } = serde_json::from_slice(&text)?;
    Ok(median.point_estimate)
}
