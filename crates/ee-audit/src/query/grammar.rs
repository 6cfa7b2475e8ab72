//! The one-line grammar of searches.
//!
//! ```text
//! action:agents.* actor:ada@example.com outcome:denied -ip:10.0.0.0/8 created:>=2026-09-01
//! (resource:agent/a OR resource:agent/b) "rate limit"
//! ```
//!
//! - Terms beside each other must all fit; `OR` binds weaker, brackets bind first, `-` negates what follows it.
//! - `key:value` tests a field, `key:a,b` several values of which one must fit. A `*` at the start or the end of a value
//!   stands for anything, `key:*` for whatever has the field. Quotes hold what would end a value otherwise; within them
//!   `*` is a star, and `\` stands before a quote.
//! - A word fits what has a word that begins so. `*` alone fits everything.

mod key;
mod parser;
mod scanner;
mod text;

use ee_core::{AuditFilter, Error};

pub use text::to_text;

use super::{Context, MAX_TEXT_BYTES};

/// What is wrong with a line, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message} (character {})", .start + 1)]
#[non_exhaustive]
pub struct GrammarError {
    /// What is wrong, for a person.
    pub message: String,
    /// First byte of what is wrong.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
}

impl GrammarError {
    fn new(message: impl Into<String>, start: usize, end: usize) -> Self {
        Self {
            message: message.into(),
            start,
            end,
        }
    }
}

impl From<GrammarError> for Error {
    fn from(err: GrammarError) -> Self {
        Self::invalid_field("filter", err.to_string())
    }
}

/// Reads a line. An empty one fits everything.
///
/// Fails for a line of more than [`MAX_TEXT_BYTES`] or [`MAX_TERMS`](super::MAX_TERMS), for brackets deeper than
/// [`MAX_DEPTH`](super::MAX_DEPTH), for an unknown key and for what cannot be a value of its key.
pub fn parse(text: &str, context: &Context) -> Result<AuditFilter, GrammarError> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("a search has at most {MAX_TEXT_BYTES} bytes");
        let start = text.floor_char_boundary(MAX_TEXT_BYTES);
        return Err(GrammarError::new(message, start, text.len()));
    }
    parser::Parser::new(text, context).parse()
}
