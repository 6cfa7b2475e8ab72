//! One line that tells what is being measured.

use std::io::{IsTerminal as _, Write as _, stderr};

/// The line. Where nobody watches, a line for each turn.
#[derive(Debug)]
pub(crate) struct Progress {
    is_watched: bool,
    last: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            is_watched: stderr().is_terminal(),
            last: String::new(),
        }
    }

    /// Shows the turn out of all turns, and what exactly it is at.
    pub(crate) fn show(&mut self, what: &str, turn: usize, turns: usize, detail: &str) {
        let text = format!("{what} {turn}/{turns}");
        if self.is_watched {
            eprint!("\r\x1b[2K{text} {detail}");
            let _ = stderr().flush();
        } else if text != self.last {
            eprintln!("{text}");
        }
        self.last = text;
    }

    /// Makes room for other text.
    pub(crate) fn clear(&self) {
        if self.is_watched && !self.last.is_empty() {
            eprint!("\r\x1b[2K");
        }
    }
}
