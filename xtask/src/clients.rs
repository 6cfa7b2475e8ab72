//! The step `clients`: clients of the original framework against our server.

use std::{path::Path, time::Duration};

use crate::{
    cargo_steps,
    process::{self, Failure, answers, command},
    server::{self, FirstStart, Server},
    step::Outcome,
    workspace::{self, Workspace},
};

const DIR: &str = "tests/clients";
const SCRIPT: &str = "client-js.mjs";
const OLDEST_NODE: u32 = 20;
const SCRIPT_TIMEOUT: Duration = Duration::from_mins(3);

/// Runs the published JavaScript client against the built server.
pub(crate) fn run() -> Result<Outcome, Failure> {
    if let Some(reason) = cannot_run() {
        return Ok(Outcome::Skipped(format!("client-js ({reason})")));
    }
    let dir = workspace::root().join(DIR);
    if !dir.join(SCRIPT).is_file() {
        return Err(Failure::new(format!("`{DIR}/{SCRIPT}` is missing")));
    }
    process::run(command("npm", &["ci", "--ignore-scripts"]).current_dir(&dir))?;
    cargo_steps::build()?;

    let workspace = Workspace::load()?;
    let scratch = workspace.scratch("clients")?;
    let server = Server::start(&workspace.binary(), &scratch)?;
    run_script(&dir, server.first_start())?;
    server.stop()?;
    Ok(Outcome::Passed)
}

fn cannot_run() -> Option<String> {
    if !answers("npm", "--version") {
        return Some("npm is not installed".to_owned());
    }
    let Ok(version) = process::output(&mut command("node", &["--version"])) else {
        return Some("node is not installed".to_owned());
    };
    let version = version.trim();
    match major_version(version) {
        Some(major) if major >= OLDEST_NODE => None,
        _ => Some(format!("node {version} is older than {OLDEST_NODE}")),
    }
}

fn major_version(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The script finds the server at `BASE_URL`; `TOKEN` is the owner's and
/// `VIEWER_TOKEN` the viewer's.
fn run_script(dir: &Path, first_start: &FirstStart) -> Result<(), Failure> {
    println!("$ node {SCRIPT}");
    let mut node = command("node", &[SCRIPT])
        .current_dir(dir)
        .env("BASE_URL", &first_start.url)
        .env("TOKEN", &first_start.owner_token)
        .env("VIEWER_TOKEN", &first_start.viewer_token)
        .spawn()
        .map_err(|err| Failure::new(format!("could not start `node`: {err}")))?;
    match server::wait(&mut node, SCRIPT_TIMEOUT) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Failure::new(format!("`{SCRIPT}` failed ({status})"))),
        None => {
            server::end_now(&mut node);
            Err(Failure::new(format!(
                "`{SCRIPT}` did not end within {} s",
                SCRIPT_TIMEOUT.as_secs()
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_understood() {
        assert_eq!(major_version("v20.20.2"), Some(20));
        assert_eq!(major_version("v9"), Some(9));
        assert_eq!(major_version("20.1"), None);
    }
}
