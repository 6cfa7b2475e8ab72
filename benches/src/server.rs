//! Servers that run.

use std::{
    fs,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::{machine::Machine, processes::pinned, programs::this_program};

const PATIENCE: Duration = Duration::from_secs(20);

/// Variables of the caller that would change what the product does.
const FOREIGN_VARIABLES: &[&str] = &[
    "MASTRA_EE_CONFIG",
    "MASTRA_EE_DATA",
    "MASTRA_EE_ENVIRONMENT",
    "MASTRA_EE_LICENSE",
    "MASTRA_EE_LISTEN",
    "MASTRA_EE_LOG",
    "MASTRA_EE_PUBLIC_URL",
    "MASTRA_EE_STORE",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
];

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    /// How somebody is signed in, if the server has said so.
    pub(crate) cookie: Option<String>,
}

impl Server {
    /// Starts the bare server with the bodies in these files.
    pub(crate) fn bare(files: &[PathBuf], machine: &Machine) -> Result<Self> {
        let mut command = pinned(&this_program(), 0, machine);
        command.arg("bare").args(files);
        Self::that_greets(command).context("the bare server")
    }

    /// Starts a server that prints its address as JSON.
    pub(crate) fn that_greets(mut command: Command) -> Result<Self> {
        #[derive(Deserialize)]
        struct Greeting {
            address: SocketAddr,
            cookie: Option<String>,
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let greeting = serde_json::from_str(&line);
        let Greeting { address, cookie } =
            greeting.with_context(|| format!("{command:?} does not tell its address"))?;
        Ok(Self {
            address,
            child,
            cookie,
        })
    }

    /// Starts the product on one core with one worker thread.
    pub(crate) fn product_pinned(binary: &Path, home: &Path, machine: &Machine) -> Result<Self> {
        let mut command = pinned(binary, 0, machine);
        command.env("TOKIO_WORKER_THREADS", "1");
        Self::product(command, home)
    }

    /// Starts the product on the data in `home` and waits until it is ready.
    pub(crate) fn product(mut command: Command, home: &Path) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = fs::File::create(home.join("server.log"))?;
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        let child = command
            .args(["serve", "--listen", &address.to_string(), "--data"])
            .arg(home)
            .current_dir(home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut server = Self {
            address,
            child,
            cookie: None,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns what the server answers, head and body.
    pub(crate) fn ask(&self, head: &str, body: &str) -> Result<(String, Vec<u8>)> {
        ask(self.address, head, body).context("the server does not answer")
    }

    /// Ends the product as a service manager does.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the product ended badly ({status})");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        bail!("the product does not end");
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                bail!("the product ended at once ({status})");
            }
            match ask(self.address, "GET /health/ready HTTP/1.1", "") {
                Ok((head, _)) if head.starts_with("HTTP/1.1 200") => return Ok(()),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
        bail!("the product does not get ready");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: SocketAddr, head: &str, body: &str) -> std::io::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        stream,
        "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
    let end = end.ok_or(ErrorKind::InvalidData)?;
    let body = answer.split_off(end + 4);
    Ok((String::from_utf8_lossy(&answer).into_owned(), body))
}
