//! The product in a real browser: a server of its own for each test, and Chromium driven by chromedriver.
//!
//! [`Product`] is the binary. [`Service`] is a server in this process for what the binary cannot show: providers
//! with sign-up or single sign-on, and parts that fail. [`Company`] is one whose people have accounts with passwords,
//! whose letters are read and whose clock is moved.

#![expect(
    clippy::disallowed_methods,
    reason = "`cargo xtask e2e` says by variables where the binary is and where screenshots go"
)]

mod browser;
mod clock;
mod company;
mod driver;
mod fault;
mod host;
mod idp;
mod letters;
mod people;
mod product;
mod record;
mod runs;
mod service;
mod visitor;

pub use browser::{Browser, Screen, Script};
pub use clock::MovedClock;
pub use company::Company;
pub use fault::Fault;
pub use idp::Idp;
pub use letters::Letters;
pub use people::People;
pub use product::Product;
pub use record::Record;
pub use runs::Runs;
pub use service::{Service, Ways};

use std::{path::PathBuf, time::Duration};

/// How long something that a person waits for may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Returns a variable that `cargo xtask e2e` sets.
///
/// # Errors
///
/// When it is not set.
pub fn variable(name: &str) -> anyhow::Result<PathBuf> {
    let value = std::env::var_os(name);
    value
        .map(PathBuf::from)
        .ok_or_else(|| anyhow::anyhow!("{name} is not set: run `cargo xtask e2e`"))
}

/// Asks until the answer is there, for [`PATIENCE`] at most.
///
/// # Errors
///
/// When it does not come; the message says what was waited for.
pub async fn eventually<T, F: Future<Output = anyhow::Result<Option<T>>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> anyhow::Result<T> {
    let end = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < end {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    anyhow::bail!("{what} did not happen within {} s", PATIENCE.as_secs())
}
