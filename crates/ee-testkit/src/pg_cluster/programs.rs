//! The installed server programs, and who runs them.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where distributions keep the programs, by version, outside of the search path.
const HOMES: [&str; 2] = ["/usr/lib/postgresql", "/usr/local/lib/postgresql"];

#[derive(Clone, Debug)]
pub(super) struct Programs {
    /// `None` for the search path.
    directory: Option<PathBuf>,
    /// User and group of the server when root runs the tests, because it refuses to be run by root.
    user: Option<(u32, u32)>,
}

impl Programs {
    pub(super) fn find() -> Self {
        let directory = std::iter::once(None)
            .chain(installed().into_iter().map(Some))
            .find(|directory| {
                ["initdb", "pg_ctl"]
                    .iter()
                    .all(|name| answers(directory.as_deref(), name))
            });
        assert!(
            directory.is_some(),
            "this test needs the PostgreSQL server programs `initdb` and `pg_ctl`: install them, \
             on Debian with `apt-get install postgresql`"
        );
        Self {
            directory: directory.flatten(),
            user: is_root().then(unprivileged_user),
        }
    }

    /// Runs a program of the server or of the system as the user of the server and returns what it says. Fails the
    /// test when it fails.
    pub(super) fn run(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program(self.directory.as_deref(), name));
        command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let output = command.output().expect("the program was found before");
        assert!(
            output.status.success(),
            "`{name}` failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Gives a path to the user of the server.
    pub(super) fn give(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            chown(path, Some(user), Some(group)).expect("root gives a file away");
        }
    }

    /// Tells whether the server runs as somebody else than the tests.
    pub(super) const fn are_of_another_user(&self) -> bool {
        self.user.is_some()
    }
}

fn program(directory: Option<&Path>, name: &str) -> PathBuf {
    match directory {
        Some(directory) if directory.join(name).exists() => directory.join(name),
        _ => name.into(),
    }
}

fn answers(directory: Option<&Path>, name: &str) -> bool {
    let program = directory.map_or_else(|| name.into(), |directory| directory.join(name));
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns the directories of all installed versions, the newest first.
fn installed() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = HOMES
        .iter()
        .filter_map(|home| fs::read_dir(home).ok())
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, bin)| bin).collect()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn unprivileged_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let (user, group) = (fields.nth(1)?, fields.next()?);
            (name == wanted).then_some((user.parse().ok()?, group.parse().ok()?))
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .expect("a system has the user `postgres` or `nobody`")
}
