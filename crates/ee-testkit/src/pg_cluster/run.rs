//! What the tests of one run share.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    os::unix::{
        fs::{DirBuilderExt as _, PermissionsExt as _},
        process::{CommandExt as _, parent_id},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::{programs::Programs, server::Server};

/// Waits for the end of a process, then stops every server below a directory and removes it.
const CLEAN_UP: &str = r#"(
while kill -0 "$1" && [ -d "$2" ]; do sleep 0.1; done
for file in "$2"/*/data/postmaster.pid; do
    pid=$(head -n 1 "$file") || continue
    kill -CONT "$pid"
    kill -QUIT "$pid"
    while kill -0 "$pid"; do sleep 0.05; done
done
rm -rf "$2"
) &"#;

/// A directory with everything that the tests of one run leave for each other.
#[derive(Debug)]
pub(super) struct Run {
    directory: PathBuf,
    programs: Programs,
}

impl Run {
    pub(super) fn current() -> &'static Self {
        static RUN: OnceLock<Run> = OnceLock::new();
        RUN.get_or_init(|| {
            let programs = Programs::find();
            let owner = owner();
            let directory = parent_directory(&programs).join(format!("ee-pg-{}", unique(owner)));
            if DirBuilder::new().mode(0o755).create(&directory).is_ok() {
                // The directories of a server are its own and the server's user has to reach them.
                let mode = Permissions::from_mode(0o755);
                fs::set_permissions(&directory, mode).expect("it was created above");
                clean_up_after(owner, &directory);
            }
            Self {
                directory,
                programs,
            }
        })
    }

    /// Returns the server that all tests share.
    pub(super) fn shared_server(&self) -> Server {
        let template = self.template();
        let _one_at_a_time = self.lock();
        let directory = self.directory.join("shared");
        let ready = self.directory.join("shared-is-ready");
        if ready.exists() {
            return Server::existing(directory, self.programs.clone());
        }
        // A test that was killed while it started the server leaves one that nobody knows of.
        let server = Server::create(directory, self.programs.clone(), &template);
        server.configure(&[("listen_addresses", String::new())]);
        server.start();
        File::create(ready).expect("the directory was created above");
        server
    }

    /// Creates a server that is not started.
    pub(super) fn new_server(&self, name: &str) -> Server {
        let template = self.template();
        Server::create(self.directory.join(name), self.programs.clone(), &template)
    }

    /// Returns a data directory to copy, made by the first who asks.
    fn template(&self) -> PathBuf {
        let _one_at_a_time = self.lock();
        let template = self.directory.join("template");
        let ready = self.directory.join("template-is-ready");
        if !ready.exists() {
            let _ = fs::remove_dir_all(&template);
            DirBuilder::new()
                .mode(0o700)
                .create(&template)
                .expect("the directory was created above");
            self.programs.give(&template);
            let path = template.to_str().expect("the path was made of ASCII");
            self.programs.run(
                "initdb",
                &[
                    "--pgdata",
                    path,
                    "--username=postgres",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-sync",
                    "--wal-segsize=1",
                ],
            );
            File::create(ready).expect("the directory was created above");
        }
        template
    }

    fn lock(&self) -> File {
        lock(&self.directory.join("lock"))
    }
}

/// Keeps every other process, and thread, from what the file stands for as long as it is open.
pub(super) fn lock(path: &Path) -> File {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("the directory of a test server can be written");
    file.lock()
        .expect("a file of a temporary directory can be locked");
    file
}

/// Returns the process that ends with the run: Cargo or nextest above us, or this process.
fn owner() -> u32 {
    let parent = parent_id();
    let name = fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
    if name.starts_with("cargo") {
        parent
    } else {
        std::process::id()
    }
}

/// Names a process so that a later one of the same number is another one.
fn unique(process: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let started_at = after_name.split_whitespace().nth(19).unwrap_or("0");
    format!("{process}-{started_at}")
}

/// A directory that the server's user can reach, with a short path: that of a socket has 107 bytes at most.
fn parent_directory(programs: &Programs) -> PathBuf {
    let own = std::env::temp_dir();
    if programs.are_of_another_user() || own.as_os_str().len() > 50 {
        "/tmp".into()
    } else {
        own
    }
}

fn clean_up_after(owner: u32, directory: &Path) {
    let status = Command::new("sh")
        .args(["-c", CLEAN_UP, "sh", &owner.to_string()])
        .arg(directory)
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "`sh` must run");
}
