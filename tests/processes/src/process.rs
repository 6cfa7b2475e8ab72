//! The binary as a child process.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::PATIENCE;

/// How often it is looked whether something has happened to a process.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A process of the binary that ends when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    dir: PathBuf,
    /// Where what this process logs begins in a log that others have written to before.
    log_from: u64,
}

impl Process {
    /// Starts the binary. What it says is added to two files in `dir`.
    pub(crate) fn start(dir: &Path, args: &[&str], variables: &[(String, String)]) -> Self {
        let log = appended(&dir.join("log.jsonl"));
        let log_from = log.metadata().expect("it was just opened").len();
        let child = Command::new(binary())
            .args(args)
            // Variables of whoever runs the tests would change what the server does.
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(appended(&dir.join("audit.jsonl")))
            .stderr(log)
            .spawn()
            .expect("the binary can be run");
        Self {
            child,
            dir: dir.to_owned(),
            log_from,
        }
    }

    /// Returns its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns where it listens, as soon as it says that it is ready.
    pub(crate) async fn ready(&mut self) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(url) = self.log().lines().find_map(url_of_ready) {
                return url;
            }
            let over = self.child.try_wait().expect("it is our child");
            assert!(
                over.is_none() && Instant::now() < end,
                "the server does not start ({over:?}):\n{}",
                self.log()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Returns what the system says of it under such a name (`VmRSS:` in KiB, `Threads:`).
    pub fn figure(&self, name: &str) -> u64 {
        let file = format!("/proc/{}/status", self.id());
        let text = fs::read_to_string(file).expect("it runs");
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
        let value = value.expect("the system knows it");
        value.parse().expect("it is a number")
    }

    /// Returns how many files and connections it has open.
    pub fn open_files(&self) -> usize {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.id()));
        entries.expect("it runs").count()
    }

    /// Returns what it has logged.
    pub fn log(&self) -> String {
        let whole = fs::read(self.dir.join("log.jsonl")).expect("it was opened before");
        let from = usize::try_from(self.log_from).expect("a log fits into memory");
        String::from_utf8_lossy(&whole[from..]).into_owned()
    }

    /// Ends it as `kill -9` does, and returns when it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is our child");
    }

    /// Ends it at a moment at which it waits for something that comes only afterwards.
    pub fn kill_before(&mut self, afterwards: impl FnOnce()) {
        self.child.kill().expect("it runs");
        afterwards();
        self.child.wait().expect("it is our child");
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub async fn terminate(&mut self) -> ExitStatus {
        let id = self.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.is_ok_and(|status| status.success()), "`kill` must run");
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < end, "the server does not end");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns a command of the binary that ends by itself, without the variables of whoever runs the tests.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn binary() -> PathBuf {
    let named = std::env::var_os("MASTRA_EE_BIN").map(PathBuf::from);
    let named = named.expect("MASTRA_EE_BIN names the binary to test: run `cargo xtask processes`");
    assert!(
        named.is_file(),
        "MASTRA_EE_BIN is `{}`, where no binary is: run `cargo xtask processes`",
        named.display()
    );
    named
}

fn appended(path: &Path) -> File {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.expect("a temporary directory can be written")
}

/// Reads the address out of the line of the log that says `ready`.
fn url_of_ready(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_ready = line["message"] == "ready" && line["server.address"].is_string();
    is_ready.then(|| line["server.url"].as_str().map(str::to_owned))?
}
