//! The process that drives Chromium.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{
    ChromeCapabilities, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver,
};

use crate::Script;

/// A chromedriver with one Chromium. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    profile: TempDir,
}

impl Process {
    pub(crate) async fn start(script: Script) -> Result<(Self, WebDriver)> {
        let child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start chromedriver")?;
        let mut process = Self {
            child,
            profile: TempDir::new()?,
        };
        let url = format!("http://127.0.0.1:{}", process.port()?);
        let driver = WebDriver::new(url, process.capabilities(script)?).await;
        Ok((process, driver.context("cannot start Chromium")?))
    }

    pub(crate) fn end(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn port(&mut self) -> Result<u16> {
        let output = self.child.stdout.take();
        let output = output.context("chromedriver has no output")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return port
                    .trim_end_matches('.')
                    .parse()
                    .context("chromedriver's port");
            }
        }
        bail!("chromedriver ended before it listened")
    }

    fn capabilities(&self, script: Script) -> Result<ChromeCapabilities> {
        let mut wanted = DesiredCapabilities::chrome();
        for arg in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
        ] {
            wanted.add_arg(arg)?;
        }
        wanted.add_arg(&format!(
            "--user-data-dir={}",
            self.profile.path().display()
        ))?;
        if script == Script::Off {
            wanted.add_experimental_option(
                "prefs",
                json!({ "profile.managed_default_content_settings.javascript": 2 }),
            )?;
        }
        Ok(wanted)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may be gone already; there is nobody to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
