//! Runs a benchmark of this package with criterion and reads what it has found.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{args::Pace, programs, progress::Progress};

/// What criterion has found.
#[derive(Debug)]
pub(crate) struct Medians(TempDir);

impl Medians {
    /// Builds and runs a benchmark that measures so many things.
    pub(crate) fn of(
        bench: &str,
        count: usize,
        pace: Pace,
        progress: &mut Progress,
    ) -> Result<Self> {
        let results = tempfile::tempdir().context("cannot make a directory")?;
        let said = results.path().join("said.log");
        let seconds = pace.check.as_secs_f64();
        let mut child = Command::new(programs::bench(bench)?)
            .arg("--bench")
            .args(["--warm-up-time", &(seconds / 4.0).to_string()])
            .args(["--measurement-time", &seconds.to_string()])
            .env("CRITERION_HOME", results.path())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&said)?)
            .spawn()
            .with_context(|| format!("cannot start `{bench}`"))?;
        if let Some(out) = child.stdout.take() {
            let mut done = 0;
            progress.show(bench, 1, count, "");
            for line in BufReader::new(out).lines() {
                if line?.contains("time:") {
                    done += 1;
                    progress.show(bench, (done + 1).min(count), count, "");
                }
            }
        }
        ensure!(
            child.wait()?.success(),
            "`{bench}` cannot be measured: {}",
            fs::read_to_string(&said)?
        );
        Ok(Self(results))
    }

    /// Returns the median of what was measured under this name.
    pub(crate) fn nanos(&self, id: &str) -> Result<f64> {
        #[derive(Deserialize)]
        struct Estimates {
            median: Estimate,
        }
        #[derive(Deserialize)]
        struct Estimate {
            point_estimate: f64,
        }
        let text = fs::read(self.directory(id).join("new/estimates.json"));
        let text = text.with_context(|| format!("`{id}` was not measured"))?;
        let Estimates { median } = serde_json::from_slice(&text)?;
        Ok(median.point_estimate)
    }

    /// A group has a directory of its own; a name by itself is one directory.
    fn directory(&self, id: &str) -> PathBuf {
        let alone = self.0.path().join(id.replace('/', "_"));
        match id.rsplit_once('/') {
            Some((group, name)) if !alone.exists() => {
                self.0.path().join(group.replace('/', "_")).join(name)
            }
            _ => alone,
        }
    }
}
