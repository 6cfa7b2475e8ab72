//! What is asked of the record: a line of text, or the parameters of a request.
//!
//! Both become an [`AuditFilter`](ee_core::AuditFilter) in its normal form, and nothing of them ever becomes a part of a
//! statement: stores bind what stands in the filter.

mod compare;
mod context;
mod cursor;
mod grammar;
mod hostile;
mod mastra;
mod normal;
mod params;
mod search;
mod suggest;
mod value;

pub use context::Context;
pub use cursor::Cursors;
pub use grammar::{GrammarError, parse, to_text};
#[doc(hidden)]
pub use hostile::hostile_values;
pub use mastra::{MastraPage, MastraSearch};
pub use normal::normal;
pub use search::{Counting, Order, Search};

/// Longest value, and longest line of the grammar.
pub const MAX_TEXT_BYTES: usize = 2_000;
/// Most terms of a line, and most parameters of a request.
pub const MAX_TERMS: usize = 64;
/// How deep brackets and negations of a line may stand in each other.
pub const MAX_DEPTH: usize = 16;

/// The character that PostgreSQL cannot keep in a text.
const NUL: char = '\0';

/// Cuts what somebody wrote to what a message can hold.
fn clipped(text: &str) -> &str {
    text.get(..text.floor_char_boundary(40)).unwrap_or(text)
}
