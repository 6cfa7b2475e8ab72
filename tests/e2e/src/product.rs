use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use crate::{eventually, variable};

/// A running server on its first start, in a directory of its own.
#[derive(Debug)]
pub struct Product {
    child: Child,
    dir: TempDir,
    /// Its address.
    pub url: String,
    /// The token of the owner.
    pub owner: String,
    /// The token of the viewer.
    pub viewer: String,
}

impl Product {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// Starts the server with a configuration file.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub async fn start_with(config: &str) -> Result<Self> {
        let dir = TempDir::new()?;
        let data = dir.path().join("data");
        std::fs::create_dir(&data)?;
        std::fs::write(data.join("mastra-ee.toml"), config)?;
        // With authentication off there is no file that tells the port, so the port is chosen here.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let url = format!("http://127.0.0.1:{port}");
        let child = Command::new(variable("MASTRA_EE_BIN")?)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(&data)
            .env_remove("OPENAI_API_KEY")
            .env_remove("OPENAI_BASE_URL")
            .stdin(Stdio::null())
            .stdout(File::create(dir.path().join("audit.jsonl"))?)
            .stderr(File::create(dir.path().join("log.jsonl"))?)
            .spawn()
            .context("cannot start the server")?;
        let mut product = Self {
            child,
            dir,
            url,
            owner: String::new(),
            viewer: String::new(),
        };
        let ready = format!("{}/health/ready", product.url);
        eventually("the server being ready", || async {
            Ok(reqwest::get(&ready)
                .await
                .ok()
                .filter(|answer| answer.status().is_success()))
        })
        .await
        .with_context(|| product.log())?;
        let tokens = std::fs::read_to_string(data.join("first-start.json"));
        let tokens: Value = tokens.map_or(Ok(Value::Null), |text| serde_json::from_str(&text))?;
        let token = |name: &str| {
            tokens
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        product.owner = token("ownerToken");
        product.viewer = token("viewerToken");
        Ok(product)
    }

    /// Returns what the server has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log.jsonl")).unwrap_or_default()
    }

    /// Returns the link that creates the first owner.
    ///
    /// # Errors
    ///
    /// When it never comes.
    pub async fn setup_link(&self) -> Result<String> {
        let file = self.data().join("setup-link");
        let link = eventually("the link for the first owner", || async {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            Ok(Some(text).filter(|text| text.ends_with('\n')))
        });
        Ok(link.await?.trim().to_owned())
    }

    /// Returns the record as it stands on the console.
    ///
    /// # Errors
    ///
    /// When a line is no JSON.
    pub fn audit(&self) -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(self.dir.path().join("audit.jsonl"))?;
        text.lines()
            .map(|line| serde_json::from_str(line).context("an audit line"))
            .collect()
    }

    /// Tells whether the record holds such an event.
    ///
    /// # Errors
    ///
    /// When a line is no JSON.
    pub fn has_recorded(&self, action: &str, actor: &str, outcome: &str) -> Result<bool> {
        let text = |event: &Value, pointer: &str| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let is_wanted = |event: &Value| {
            let found = ["/action", "/actor/id", "/outcome"].map(|pointer| text(event, pointer));
            found
                .iter()
                .map(Option::as_deref)
                .eq([action, actor, outcome].map(Some))
        };
        Ok(self.audit()?.iter().any(is_wanted))
    }

    /// Returns the directory of the server's files.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // The process may be gone already; there is nobody to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
