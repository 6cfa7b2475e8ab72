//! One data directory and the server that runs on it.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::Write as _,
    net::TcpListener,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::programs::Programs;

const SETTINGS: &str = "
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
shared_buffers = 32MB
max_connections = 300
";

/// Only the user of the tests comes in without a password.
const ACCESS: &str = "
local all postgres trust
host all postgres 127.0.0.1/32 trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
";

#[derive(Debug)]
pub(super) struct Server {
    directory: PathBuf,
    port: u16,
    programs: Programs,
}

impl Server {
    /// Describes a server that another process has created.
    pub(super) const fn existing(directory: PathBuf, programs: Programs) -> Self {
        Self {
            directory,
            port: 5_432,
            programs,
        }
    }

    /// Copies a data directory for a server that is not started.
    pub(super) fn create(directory: PathBuf, programs: Programs, template: &Path) -> Self {
        let server = Self {
            // Also the name of the socket, so that a free one serves both.
            port: 5_432,
            directory,
            programs,
        };
        server.remove();
        DirBuilder::new()
            .mode(0o755)
            .create(&server.directory)
            .expect("a temporary directory can be written");
        fs::set_permissions(&server.directory, Permissions::from_mode(0o755))
            .expect("it was created above");
        for own in [server.directory.join("socket"), server.data()] {
            DirBuilder::new()
                .mode(0o700)
                .create(&own)
                .expect("it is a new directory");
            server.programs.give(&own);
        }
        let (from, to) = (template.join("."), server.data());
        server.programs.run("cp", &["-a", &text(&from), &text(&to)]);
        server.write("pg_hba.conf", ACCESS);
        server.append(SETTINGS);
        server.configure(&[(
            "unix_socket_directories",
            text(&server.directory.join("socket")),
        )]);
        server
    }

    /// Chooses a free port of `127.0.0.1`.
    #[must_use]
    pub(super) fn with_free_port(mut self) -> Self {
        self.port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("the system has a free port")
            .port();
        self.configure(&[("port", self.port.to_string())]);
        self
    }

    /// Adds settings, which count from the next start on.
    pub(super) fn configure(&self, settings: &[(&str, String)]) {
        let mut text = String::new();
        for (name, value) in settings {
            let _ = writeln!(text, "{name} = '{value}'");
        }
        self.append(&text);
    }

    /// Writes a file of the data directory that only the server can read.
    pub(super) fn write(&self, name: &str, content: &str) {
        let path = self.data().join(name);
        fs::write(&path, content).expect("the data directory can be written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it was written above");
        self.programs.give(&path);
    }

    pub(super) fn start(&self) {
        let log = text(&self.directory.join("socket/log"));
        let data = text(&self.data());
        self.programs.run(
            "pg_ctl",
            &[
                "--pgdata", &data, "--log", &log, "--wait", "--silent", "start",
            ],
        );
    }

    pub(super) fn stop(&self, mode: &str) {
        let data = text(&self.data());
        self.programs.run(
            "pg_ctl",
            &[
                "--pgdata", &data, "--mode", mode, "--wait", "--silent", "stop",
            ],
        );
    }

    /// Sends a signal to all processes of the server. False when it does not run.
    pub(super) fn signal(&self, signal: &str) -> bool {
        // One that starts no more others first. Those that have ended meanwhile need no signal.
        let script = "name=$1; shift; kill -s \"$name\" \"$1\" || exit; shift; \
            for child do kill -s \"$name\" \"$child\"; done; true";
        let status = Command::new("sh")
            .args(["-c", script, "sh", signal])
            .args(self.processes())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Stops the server if it runs, and removes its files.
    pub(super) fn remove(&self) {
        if self.signal("CONT") {
            self.stop("immediate");
        }
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory).expect("the directory is ours");
        }
    }

    pub(super) fn url(&self, user: &str, database: &str) -> String {
        let socket = text(&self.directory.join("socket")).replace('/', "%2F");
        let port = self.port;
        format!("postgresql://{user}@{socket}:{port}/{database}?sslmode=disable")
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Returns where templates of databases are remembered.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn append(&self, settings: &str) {
        OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))
            .and_then(|mut file| file.write_all(settings.as_bytes()))
            .expect("the data directory can be written");
    }

    /// Returns the server's processes, the one that starts the others first. None when it does not run.
    fn processes(&self) -> Vec<String> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let Some(first) = file.lines().next() else {
            return Vec::new();
        };
        let children =
            fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
        let all = std::iter::once(first).chain(children.split_whitespace());
        all.map(str::to_owned).collect()
    }
}

fn text(path: &Path) -> String {
    path.to_str()
        .expect("the path was made of ASCII")
        .to_owned()
}
