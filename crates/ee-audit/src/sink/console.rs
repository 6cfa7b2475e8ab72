//! Lines on a terminal, or for whoever collects what the process prints.

mod line;

use std::{
    fmt,
    io::{self, Write},
};

use async_trait::async_trait;
use ee_core::{Error, ErrorKind, storage::AuditEntry};
use serde::{Deserialize, Serialize};

use self::line::{Escape, Escaped, pretty};
use super::{AuditSink, DeliveryError, lane::Lane};
use crate::format::native;

/// Lines for people or for programs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleStyle {
    /// JSON, one event a line.
    #[default]
    Json,
    /// For people.
    Pretty,
}

/// What the console shows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ConsoleConfig {
    /// Lines for people or JSON. JSON.
    #[serde(default)]
    pub style: ConsoleStyle,
}

/// Writes each event as one line. Nothing that somebody else has named can look like two events, or steer a terminal.
pub struct ConsoleSink {
    lane: Lane<Out>,
    style: ConsoleStyle,
}

struct Out {
    /// Whether the last line was cut by an error.
    is_torn: bool,
    writer: Box<dyn Write + Send>,
}

impl ConsoleSink {
    /// Writes to the standard output of the process.
    pub fn new(config: &ConsoleConfig) -> Result<Self, Error> {
        Self::to(io::stdout(), config.style)
    }

    /// Writes somewhere else. Fails with [`ErrorKind::Unavailable`] when the system gives no thread.
    pub fn to(writer: impl Write + Send + 'static, style: ConsoleStyle) -> Result<Self, Error> {
        let out = Out {
            is_torn: false,
            writer: Box::new(writer),
        };
        let lane = Lane::start("audit-console", out).map_err(|err| {
            Error::new(
                ErrorKind::Unavailable,
                "cannot start a thread for the audit console",
            )
            .with_source(err)
        })?;
        Ok(Self { lane, style })
    }
}

#[async_trait]
impl AuditSink for ConsoleSink {
    fn kind(&self) -> &'static str {
        "console"
    }

    async fn deliver(&self, batch: &[AuditEntry]) -> Result<(), DeliveryError> {
        let mut lines = String::new();
        for entry in batch {
            match self.style {
                // Outside its strings JSON has no such character, so it stays JSON.
                ConsoleStyle::Json => {
                    lines += &Escaped(&native(entry).to_string(), Escape::Json).to_string();
                }
                ConsoleStyle::Pretty => lines += &pretty(&entry.record.event).to_string(),
            }
            lines.push('\n');
        }
        let written = self.lane.run(move |out| out.write(&lines)).await?;
        written.map_err(|err| DeliveryError::later(format!("cannot write: {err}")))
    }
}

impl Out {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.is_torn {
            self.writer.write_all(b"\n")?;
        }
        self.is_torn = true;
        self.writer.write_all(lines.as_bytes())?;
        self.writer.flush()?;
        self.is_torn = false;
        Ok(())
    }
}

impl fmt::Debug for ConsoleSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleSink")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}
