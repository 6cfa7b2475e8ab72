//! Lines on standard output that come one by one.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};

/// Whether somebody still reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reader {
    /// Somebody does.
    There,
    /// Whoever read has seen enough.
    Gone,
}

/// Prints lines at once.
pub(super) fn write(lines: &[String]) -> Result<Reader> {
    let mut out = io::stdout().lock();
    let mut write = || {
        for line in lines {
            writeln!(out, "{line}")?;
        }
        out.flush()
    };
    match write() {
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        written => written
            .map(|()| Reader::There)
            .context("cannot write the answer"),
    }
}
