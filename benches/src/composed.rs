//! The server put together from the product's crates: `benches/composed`.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::{machine::Machine, processes::pinned, programs, server::Server};

/// The program.
#[derive(Clone, Debug)]
pub(crate) struct Composed(PathBuf);

impl Composed {
    pub(crate) fn build() -> Result<Self> {
        programs::bench("composed").map(Self)
    }

    /// Starts a server on one core with one worker thread. `reads` is what it remembers of its store.
    pub(crate) fn pinned(&self, store: &str, reads: &str, machine: &Machine) -> Result<Server> {
        let mut command = pinned(&self.0, 0, machine);
        command
            .env("TOKIO_WORKER_THREADS", "1")
            .args(["serve", "--store", store, "--reads", reads]);
        Server::that_greets(command)
    }

    /// Starts a server on one core with one worker thread, which keeps its record in a directory.
    pub(crate) fn recorded(&self, directory: &Path, machine: &Machine) -> Result<Server> {
        let mut command = pinned(&self.0, 0, machine);
        command
            .env("TOKIO_WORKER_THREADS", "1")
            .args(["serve", "--store", &sqlite_in(directory), "--spool"])
            .arg(directory.join("spool"));
        Server::that_greets(command)
    }

    /// Starts a server on all cores for people with passwords, who tell where they are.
    pub(crate) fn with_people(&self, directory: &Path, options: &[String]) -> Result<Server> {
        let mut command = Command::new(&self.0);
        command
            .args(["serve", "--trusts-forwarding", "--store"])
            .arg(sqlite_in(directory))
            .args(options);
        Server::that_greets(command)
    }

    /// Returns how many passwords a second all cores hash.
    pub(crate) fn hashes_per_second(&self, time: Duration) -> Result<f64> {
        let output = Command::new(&self.0)
            .args(["hash", "--millis", &time.as_millis().to_string()])
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start to hash")?;
        ensure!(output.status.success(), "passwords cannot be hashed");
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    }
}

/// Names a database in a directory.
pub(crate) fn sqlite_in(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("ee.db").display())
}

/// A PostgreSQL server. Dropped, it is stopped and its files are removed.
#[derive(Debug)]
pub(crate) struct Postgres {
    child: Child,
    pub(crate) urls: Vec<String>,
}

impl Postgres {
    /// Starts a server with empty databases. Fails where PostgreSQL is not installed.
    pub(crate) fn start(composed: &Composed, databases: usize) -> Result<Self> {
        let mut child = Command::new(&composed.0)
            .args(["postgres", "--databases", &databases.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start PostgreSQL")?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let urls = serde_json::from_str(&line).context("PostgreSQL did not start")?;
        Ok(Self { child, urls })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The end of its standard input tells it to stop.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
