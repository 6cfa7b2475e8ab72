//! Starts the binary.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, Response};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The binary without the variables of whoever runs the tests.
pub(crate) fn binary() -> Command {
    program(env!("CARGO_BIN_EXE_mastra-ee"))
}

/// A program without the variables of whoever runs the tests.
pub(crate) fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    for name in [
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
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself, in a directory with this configuration.
pub(crate) fn run(config: &str, args: &[&str]) -> Output {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("given.toml");
    fs::write(&file, config).unwrap();
    binary()
        .args(args)
        .arg("--config")
        .arg(&file)
        .current_dir(&dir)
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A running server.
pub(crate) struct Running {
    child: Child,
    pub(crate) client: Client,
    pub(crate) dir: PathBuf,
    pub(crate) url: String,
}

impl Running {
    /// Starts in a directory; the configuration is replaced.
    pub(crate) async fn start(dir: &Path, config: &str) -> Self {
        let data = dir.join("data");
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("mastra-ee.toml"), config).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = binary()
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(&data)
            .stdout(File::create(dir.join("audit.jsonl")).unwrap())
            .stderr(File::create(dir.join("log.jsonl")).unwrap())
            .spawn()
            .unwrap();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut running = Self {
            child,
            client,
            dir: dir.to_owned(),
            url: format!("http://127.0.0.1:{port}"),
        };
        running.wait_until_ready().await;
        running
    }

    async fn wait_until_ready(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self
                .client
                .get(format!("{}/health/ready", self.url))
                .send()
                .await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            let is_over = self.child.try_wait().unwrap().is_some();
            assert!(
                !is_over && Instant::now() < end,
                "the server does not start:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log.jsonl")).unwrap()
    }

    pub(crate) fn audit(&self) -> String {
        fs::read_to_string(self.dir.join("audit.jsonl")).unwrap()
    }

    /// Returns `ownerToken` or `viewerToken`.
    pub(crate) fn token(&self, name: &str) -> String {
        let text = fs::read_to_string(self.dir.join("data/first-start.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()[name]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the server does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
