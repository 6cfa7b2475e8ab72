//! Running other programs.

use std::{
    fmt,
    path::Path,
    process::{Command, Stdio},
};

use crate::{terminal, workspace};

/// Why a step or a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// Wraps a message: lower case, no full stop, input in backticks.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Builds a command that runs in the root of the workspace.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(workspace::root());
    command
}

/// Prints the command and runs it with our own terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = display(command);
    println!("{}", terminal::bold(&format!("$ {line}")));
    let status = command
        .status()
        .map_err(|err| Failure::new(format!("could not start `{line}`: {err}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{line}` failed ({status})")))
    }
}

/// Runs the command silently and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let line = display(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|err| Failure::new(format!("could not start `{line}`: {err}")))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "`{line}` failed ({}): {}",
            output.status,
            reason.trim()
        )));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Failure::new(format!("`{line}` wrote something that is not UTF-8")))
}

/// Tells whether a program can be started and answers `argument` with success.
pub(crate) fn answers(program: &str, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Reads a text file; the error names it.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|err| Failure::new(format!("could not read `{}`: {err}", path.display())))
}

fn display(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| {
            let part = part.to_string_lossy();
            if part.is_empty() || part.contains([' ', '(', '*', '|']) {
                format!("'{part}'")
            } else {
                part.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_can_be_typed() {
        let shown = display(&command("cargo", &["nextest", "run", "-E", "test(a b)"]));

        assert_eq!(shown, "cargo nextest run -E 'test(a b)'");
    }

    #[test]
    fn an_unknown_program_is_named() {
        let failure = run(&mut command("no-such-program-here", &[])).unwrap_err();

        assert!(failure.to_string().contains("`no-such-program-here`"));
        assert!(!answers("no-such-program-here", "--version"));
    }
}
