//! Audit events as lines.

use std::{
    fmt::{self, Write as _},
    io::Write,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use ee_core::{AuditEvent, AuditFilter, AuditLogger, AuditOutcome, AuditStage, Error, ErrorKind};
use tracing::error;

/// Writes each audit event as one line, for people or as JSON (console logger, phase 5).
///
/// A line for people reads
/// `[audit] 2026-01-02T03:04:05.678Z ✓ user:ada@example.com agents.create on agent:faq (4ms)`,
/// with `✗` for a failure and `⊘` for a refusal. Control characters in names that users chose, and
/// those that turn the direction of writing, are written as `\n` or `\u{1b}`: no event can look like
/// two, or clear a terminal. A program that reads the lines takes [`json`](Self::json), where a
/// line is the whole event.
///
/// Writing blocks the task for as long as the writer takes.
pub struct ConsoleAuditLogger {
    filter: AuditFilter,
    format: Format,
    out: Mutex<Out>,
}

#[derive(Debug)]
enum Format {
    Json,
    Pretty { prefix: String },
}

struct Out {
    /// Whether the last line was cut by an error.
    torn: bool,
    writer: Box<dyn Write + Send>,
}

impl ConsoleAuditLogger {
    /// Writes lines for people, all of them, with the prefix `[audit]`.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self {
            filter: AuditFilter::default(),
            format: Format::Pretty {
                prefix: "[audit]".to_owned(),
            },
            out: Mutex::new(Out {
                torn: false,
                writer: Box::new(writer),
            }),
        }
    }

    /// Writes only the events that fit the filter.
    #[must_use]
    pub fn filter(mut self, filter: AuditFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Writes JSON, one event on a line, without a prefix.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.format = Format::Json;
        self
    }

    /// Writes lines for people that begin with `prefix`; an empty one is left out.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.format = Format::Pretty {
            prefix: prefix.into(),
        };
        self
    }

    fn write(&self, event: &AuditEvent) -> Result<(), Error> {
        // People read how it ended.
        let is_intent = event.stage == AuditStage::Intent;
        let is_pretty = matches!(self.format, Format::Pretty { .. });
        if is_intent && is_pretty || !self.filter.matches(event) {
            return Ok(());
        }
        let line = self.line(event)?;
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_line(&line).map_err(|err| {
            Error::new(
                ErrorKind::Unavailable,
                "the audit line could not be written",
            )
            .with_source(err)
        })
    }

    fn line(&self, event: &AuditEvent) -> Result<String, Error> {
        let mut line = String::with_capacity(160);
        let written = match &self.format {
            Format::Json => {
                let json = serde_json::to_string(event).map_err(|err| {
                    Error::new(ErrorKind::Internal, "cannot write an audit event as JSON")
                        .with_source(err)
                })?;
                // Outside its strings the text has no such character, so this stays JSON.
                write!(line, "{}", Escaped(&json, Escape::Json))
            }
            Format::Pretty { prefix } => write_pretty(&mut line, prefix, event),
        };
        written.map_err(|err| {
            Error::new(ErrorKind::Internal, "cannot write an audit event").with_source(err)
        })?;
        line.push('\n');
        Ok(line)
    }
}

#[async_trait]
impl AuditLogger for ConsoleAuditLogger {
    /// Fails with [`ErrorKind::Unavailable`] when the line could not be written.
    async fn log(&self, event: AuditEvent) -> Result<(), Error> {
        self.write(&event)
    }

    fn log_later(&self, event: AuditEvent) {
        if let Err(err) = self.write(&event) {
            error!(error = %err, "an audit event could not be written");
        }
    }
}

impl Out {
    fn write_line(&mut self, line: &str) -> std::io::Result<()> {
        if self.torn {
            self.writer.write_all(b"\n")?;
        }
        self.torn = true;
        self.writer.write_all(line.as_bytes())?;
        self.torn = false;
        self.writer.flush()
    }
}

impl fmt::Debug for ConsoleAuditLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleAuditLogger")
            .field("filter", &self.filter)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

fn write_pretty(line: &mut String, prefix: &str, event: &AuditEvent) -> fmt::Result {
    let plain = |text| Escaped(text, Escape::Plain);
    if !prefix.is_empty() {
        write!(line, "{prefix} ")?;
    }
    let mark = match event.outcome {
        AuditOutcome::Denied => '⊘',
        AuditOutcome::Failure => '✗',
        AuditOutcome::Success => '✓',
    };
    let (at, actor) = (event.timestamp, &event.actor);
    let who = actor.email.as_deref().unwrap_or(&actor.id);
    let (kind, action) = (actor.actor_type.as_str(), event.action.as_str());
    write!(
        line,
        "{at:.3} {mark} {kind}:{} {}",
        plain(who),
        plain(action)
    )?;
    if let Some(resource) = &event.resource {
        write!(
            line,
            " on {}:{}",
            plain(&resource.kind),
            plain(&resource.id)
        )?;
    }
    if let Some(millis) = event.duration {
        write!(line, " ({millis}ms)")?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Escape {
    Json,
    Plain,
}

/// Text in which nothing steers a terminal.
struct Escaped<'a>(&'a str, Escape);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(|c| self.1.is_due(c)) {
            let (before, from) = rest.split_at(at);
            let mut chars = from.chars();
            f.write_str(before)?;
            if let Some(c) = chars.next() {
                match self.1 {
                    // All that `is_due` names are below U+FFFF.
                    Escape::Json => write!(f, "\\u{:04x}", u32::from(c))?,
                    Escape::Plain => write!(f, "{}", c.escape_default())?,
                }
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

impl Escape {
    /// Tells whether the character is written in another way: controls, what ends a line for some
    /// reader, what turns the direction of writing, and the backslash that begins an escape.
    fn is_due(self, c: char) -> bool {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
            || matches!(self, Self::Plain) && c == '\\'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_leaves_all_other_text_alone() {
        let plain = |text: &'static str| Escaped(text, Escape::Plain).to_string();

        assert_eq!(plain("Größe 🦀 a b"), "Größe 🦀 a b");
        assert_eq!(plain("a\r\nb\t\u{1b}[2Jc\\"), r"a\r\nb\t\u{1b}[2Jc\\");
        assert_eq!(
            plain("\u{9b}2J\u{202e}x\u{2028}"),
            r"\u{9b}2J\u{202e}x\u{2028}"
        );
        assert_eq!(Escaped("\u{7f}\\n", Escape::Json).to_string(), r"\u007f\n");
    }
}
