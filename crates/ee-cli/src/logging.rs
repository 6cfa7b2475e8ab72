//! The log: lines for people on a terminal, JSON otherwise. It goes to standard error.

use std::io::{self, IsTerminal as _};

use anyhow::Result;
use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter};

/// Installs the log. The variable `MASTRA_EE_LOG` filters it (default `info`).
pub(crate) fn install() -> Result<()> {
    install_from("info")
}

/// Installs the log of a command that ends by itself: errors alone, unless `MASTRA_EE_LOG` wants more.
pub(crate) fn install_for_command() -> Result<()> {
    install_from("error")
}

fn install_from(level: &str) -> Result<()> {
    let wanted = crate::config::variable("MASTRA_EE_LOG")?.unwrap_or_else(|| level.to_owned());
    let filter =
        EnvFilter::try_new(&wanted).map_err(|err| anyhow::anyhow!("MASTRA_EE_LOG: {err}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // What cannot be written is lost. To say so on the same standard error would end the program.
        .log_internal_errors(false)
        .with_writer(BoxMakeWriter::new(io::stderr));
    let installed = if io::stderr().is_terminal() {
        builder.with_target(false).compact().try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    installed.map_err(|err| anyhow::anyhow!("cannot install the log: {err}"))
}
