//! A deployment that commands work on.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::running::{Running, binary, text};

/// Where people sign in with a password.
pub(crate) const PASSWORDS: &str = "auth = \"password\"\n";
/// Good enough for the rules.
pub(crate) const PASSWORD: &str = "seven wet stones in a row";

/// A data directory with a configuration.
pub(crate) struct Deployment {
    config: String,
    dir: TempDir,
}

impl Deployment {
    /// A deployment that has not begun.
    pub(crate) fn new(config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        fs::write(dir.path().join("data/mastra-ee.toml"), config).unwrap();
        Self {
            config: config.to_owned(),
            dir,
        }
    }

    /// A deployment with an owner, `ada@example.com`.
    pub(crate) fn with_owner(config: &str) -> Self {
        let deployment = Self::new(config);
        deployment.person("ada@example.com", &["owner"]);
        deployment
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) async fn serve(&self) -> Running {
        Running::start(self.path(), &self.config).await
    }

    /// Returns a command that has not been started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = binary();
        command
            .args(args)
            .env("MASTRA_EE_DATA", self.data())
            .current_dir(&self.dir);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Output {
        let mut child = self.spawn(args);
        // Who refuses before he reads closes it.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs a command that must succeed and returns what it says.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        said(&self.run(args), args)
    }

    /// Runs a command that must succeed and returns its JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let with_json = [args, &["--json"]].concat();
        serde_json::from_str(&self.ok(&with_json)).unwrap()
    }

    /// Runs a command that must fail with this code, and returns the error.
    pub(crate) fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        text(&output.stderr)
    }

    /// Creates somebody with [`PASSWORD`] and returns the id.
    pub(crate) fn person(&self, email: &str, roles: &[&str]) -> String {
        let mut args = vec!["users", "create", "--json", "--password-stdin"];
        args.extend(["--name", "Somebody", "--email", email]);
        args.extend(roles.iter().flat_map(|role| ["--role", role]));
        let output = self.run_with(&args, PASSWORD);
        let created: Value = serde_json::from_str(&said(&output, &args)).unwrap();
        created["id"].as_str().unwrap().to_owned()
    }
}

fn said(output: &Output, args: &[&str]) -> String {
    assert!(
        output.status.success(),
        "{args:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Returns the words of the line that begins with `first`, in a table or a list of facts.
pub(crate) fn line<'a>(said: &'a str, first: &str) -> Vec<&'a str> {
    let mut lines = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.find(|words| words.first() == Some(&first));
    assert!(found.is_some(), "no line of `{first}` in:\n{said}");
    found.unwrap()
}
