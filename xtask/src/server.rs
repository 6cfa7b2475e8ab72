//! A server of ours as a child process, for tests from outside.

use std::{
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::process::{self, Failure};

const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// Variables of the caller that would change what the server does.
const FOREIGN_VARIABLES: &[&str] = &["MASTRA_EE_LICENSE", "OPENAI_API_KEY", "OPENAI_BASE_URL"];

/// What a first start without a configuration leaves for its owner.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FirstStart {
    pub(crate) url: String,
    pub(crate) owner_token: String,
    pub(crate) viewer_token: String,
}

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    first_start: FirstStart,
}

impl Server {
    /// Starts `binary` on an empty data directory in `scratch` and a free
    /// loopback port, and waits until it is ready.
    pub(crate) fn start(binary: &Path, scratch: &Path) -> Result<Self, Failure> {
        let failed = |what: &str, err| Failure::new(format!("could not {what}: {err}"));
        let address = free_address().map_err(|err| failed("find a free port", err))?;
        let data = scratch.join("data");
        let log = scratch.join("server.log");
        let out = File::create(&log).map_err(|err| failed("create the server's log", err))?;
        let err = out
            .try_clone()
            .map_err(|err| failed("share the server's log", err))?;

        let mut command = Command::new(binary);
        command
            .arg("serve")
            .arg("--data")
            .arg(&data)
            .arg("--listen")
            .arg(address.to_string())
            .current_dir(scratch)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        let mut child = command
            .spawn()
            .map_err(|err| failed(&format!("start `{}`", binary.display()), err))?;

        match wait_until_ready(&mut child, address, &data) {
            Ok(first_start) => Ok(Self {
                child,
                log,
                first_start,
            }),
            Err(reason) => {
                end_now(&mut child);
                Err(with_log(&reason, &log))
            }
        }
    }

    /// Returns the address and the tokens of this server.
    pub(crate) fn first_start(&self) -> &FirstStart {
        &self.first_start
    }

    /// Asks the server to stop, as a service manager does, and checks that it
    /// obeys and ends well.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        process::output(&mut process::command(
            "kill",
            &["-TERM", &self.child.id().to_string()],
        ))?;
        match wait(&mut self.child, STOP_TIMEOUT) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(with_log(
                &format!("the server ended badly after SIGTERM ({status})"),
                &self.log,
            )),
            None => Err(with_log("the server did not end after SIGTERM", &self.log)),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end_now(&mut self.child);
    }
}

/// Waits for a child, but no longer than `timeout`.
pub(crate) fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            _ => return None,
        }
    }
}

/// Kills a child, unless it has ended, and waits for it.
pub(crate) fn end_now(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn wait_until_ready(
    child: &mut Child,
    address: SocketAddr,
    data: &Path,
) -> Result<FirstStart, String> {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("the server ended at once ({status})"));
        }
        if is_ready(address) {
            let path = data.join("first-start.json");
            let text = process::read(&path).map_err(|failure| failure.to_string())?;
            return serde_json::from_str(&text)
                .map_err(|err| format!("could not understand `{}`: {err}", path.display()));
        }
        thread::sleep(POLL);
    }
    Err(format!(
        "the server was not ready at {address} after {} s",
        START_TIMEOUT.as_secs()
    ))
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(
            stream,
            "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(&status == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Adds the end of the server's log to a reason.
fn with_log(reason: &str, log: &Path) -> Failure {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(30)..).unwrap_or(&[]);
    Failure::new(format!(
        "{reason}\nlog `{}` ends with\n{}",
        log.display(),
        tail.join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_file_is_understood() {
        let text = r#"{"url":"http://127.0.0.1:4111","ownerToken":"a","viewerToken":"b"}"#;

        let first_start: FirstStart = serde_json::from_str(text).unwrap();

        assert_eq!(first_start.url, "http://127.0.0.1:4111");
        assert_eq!(first_start.owner_token, "a");
        assert_eq!(first_start.viewer_token, "b");
    }

    #[test]
    fn a_binary_that_is_not_there_is_named() {
        let scratch = std::env::temp_dir();

        let failure = Server::start(Path::new("/no/such/mastra-ee"), &scratch)
            .err()
            .unwrap();

        assert!(
            failure.to_string().contains("/no/such/mastra-ee"),
            "{failure}"
        );
    }
    #[test]
    fn a_server_that_ends_at_once_shows_its_log() {
        let scratch = std::env::temp_dir().join(format!("xtask-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).unwrap();

        // The shell looks for a script named `serve` and complains.
        let failure = Server::start(Path::new("sh"), &scratch).err().unwrap();
        std::fs::remove_dir_all(&scratch).unwrap();

        let message = failure.to_string();
        assert!(message.contains("the server ended at once"), "{message}");
        assert!(
            message.lines().last().unwrap().contains("serve"),
            "{message}"
        );
    }
}
