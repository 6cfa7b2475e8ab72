//! The step `install`: the programs that the tests drive.
//!
//! Only Debian as root is changed, and only by `apt-get`. Everywhere else the
//! step says what is missing.

use std::{fmt::Write, path::Path};

use crate::{
    process::{self, Failure, answers},
    step::Outcome,
};

/// A program that a test starts, and the Debian package that brings it.
struct Tool {
    package: &'static str,
    purpose: &'static str,
    is_present: fn() -> bool,
}

const TOOLS: &[Tool] = &[
    Tool {
        package: "postgresql",
        purpose: "the server programs `initdb` and `pg_ctl`",
        is_present: has_postgresql,
    },
    Tool {
        package: "chromium",
        purpose: "a Chromium browser",
        is_present: || {
            ["chromium", "chromium-browser", "google-chrome"]
                .iter()
                .any(|name| answers(name, "--version"))
        },
    },
    Tool {
        package: "chromium-driver",
        purpose: "the program `chromedriver`",
        is_present: || answers("chromedriver", "--version"),
    },
];

/// Who runs us, and on what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Host {
    DebianAsRoot,
    DebianAsUser,
    Other,
}

/// Installs what is missing.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let missing = missing_tools();
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(Outcome::Passed);
    }
    match host() {
        Host::DebianAsRoot => apt_get(&missing)?,
        host => return Err(Failure::new(advice(host, &missing))),
    }
    let missing = missing_tools();
    if missing.is_empty() {
        Ok(Outcome::Passed)
    } else {
        let mut message = "installed, but not found afterwards".to_owned();
        name_tools(&mut message, &missing);
        Err(Failure::new(message))
    }
}

fn missing_tools() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !(tool.is_present)()).collect()
}

/// Debian keeps the server programs out of the search path.
fn has_postgresql() -> bool {
    answers("initdb", "--version")
        || std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|versions| {
            versions
                .flatten()
                .any(|version| version.path().join("bin/initdb").is_file())
        })
}

fn host() -> Host {
    if !is_debian(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
        || !Path::new("/usr/bin/apt-get").exists()
    {
        return Host::Other;
    }
    match process::output(&mut process::command("id", &["-u"])) {
        Ok(id) if id.trim() == "0" => Host::DebianAsRoot,
        _ => Host::DebianAsUser,
    }
}

/// Tells whether `/etc/os-release` describes Debian or a child of it.
fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| id == "debian")
}

fn apt_get(missing: &[&Tool]) -> Result<(), Failure> {
    let apt_get = |args: &[&str]| {
        let mut command = process::command("apt-get", &["-o", "DPkg::Lock::Timeout=120"]);
        command.args(args);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        process::run(&mut command)
    };

    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(missing.iter().map(|tool| tool.package));
    apt_get(&["update"])?;
    apt_get(&install)
}

fn advice(host: Host, missing: &[&Tool]) -> String {
    let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    let mut message = "the tests need programs that are not installed".to_owned();
    name_tools(&mut message, missing);
    message.push_str(match host {
        Host::DebianAsRoot | Host::DebianAsUser => "\nrun this command again as root, or install ",
        Host::Other => "\ninstall what your system has in place of the Debian packages ",
    });
    message.push_str(&packages.join(", "));
    message
}

fn name_tools(message: &mut String, tools: &[&Tool]) {
    for tool in tools {
        let _ = write!(
            message,
            "\n  {} (Debian package `{}`)",
            tool.purpose, tool.package
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_children_are_known() {
        assert!(is_debian("NAME=x\nID=debian\n"));
        assert!(is_debian("ID=ubuntu\nID_LIKE=debian\n"));
        assert!(is_debian("ID=\"mint\"\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nHOME_URL=https://debian.example\n"));
        assert!(!is_debian(""));
    }

    #[test]
    fn advice_names_every_missing_package() {
        let missing: Vec<_> = TOOLS.iter().collect();

        for host in [Host::DebianAsUser, Host::Other] {
            let message = advice(host, &missing);

            for package in ["postgresql", "chromium", "chromium-driver"] {
                assert!(message.contains(&format!("`{package}`")), "{message}");
            }
        }
    }
}
