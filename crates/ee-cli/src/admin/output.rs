//! What the commands print: tables for people, JSON for programs.

use std::{
    fmt::{self, Write as _},
    io::{self, Write as _},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;

use super::operator::Operator;

impl Operator {
    /// Prints an answer: as JSON, or what `text` makes of it.
    pub(super) fn show<T: Serialize>(
        &self,
        answer: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        show(self.is_json, answer, text)
    }

    /// Prints an answer with a secret in it: as JSON, or the secret alone, so that a script can take it, and on standard
    /// error what it is.
    pub(super) fn show_secret<T: Serialize>(
        &self,
        answer: &T,
        secret: &str,
        what: &str,
    ) -> Result<()> {
        if self.is_json {
            return self.show(answer, |_| String::new());
        }
        // What is said first is read even where both end up on one screen.
        writeln!(io::stderr(), "{what}").context("cannot write")?;
        print(secret)
    }
}

/// Prints an answer: as JSON, or what `text` makes of it.
pub(crate) fn show<T: Serialize>(
    is_json: bool,
    answer: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<()> {
    if is_json {
        print(&serde_json::to_string_pretty(answer)?)
    } else {
        print(text(answer).trim_end())
    }
}

pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the answer"),
    }
}

/// Rows in aligned columns.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> Self {
        let rows = rows.into_iter().map(|row| row.map(|cell| plain(&cell)));
        Self {
            rows: std::iter::once(head.map(str::to_owned))
                .chain(rows)
                .collect(),
        }
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                write!(line, "{cell:<width$}  ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Names and values, one a line. Those without a value are left out.
pub(crate) fn lines(facts: &[(&str, Option<String>)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let known = facts
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let mut lines = Vec::new();
    for (name, value) in known {
        lines.push(format!("{name:<width$}  {}\n", plain(value)));
    }
    lines.concat()
}

/// Puts names behind each other; `-` stands for none.
pub(crate) fn joined<T: ToString>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    or_dash((!names.is_empty()).then(|| names.join(", ")))
}

pub(crate) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

/// Returns a moment to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes out what would steer a terminal or turn the direction of a line: people choose names.
pub(crate) fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [["u1", "Zoë"], ["user-2", "Al"]].map(|row| row.map(str::to_owned));

        let table = Table::new(["ID", "NAME"], rows).to_string();

        assert_eq!(table, "ID      NAME\nu1      Zoë\nuser-2  Al\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[2Jb\n\u{202e}c"),
            "a\\u{1b}[2Jb\\u{a}\\u{202e}c"
        );
        let table = Table::new(["NAME"], [["x\ny".to_owned()]]).to_string();
        assert_eq!(table.lines().count(), 2, "{table}");
    }

    #[test]
    fn facts_without_a_value_are_left_out() {
        let facts = [("id", Some("u1".to_owned())), ("e-mail", None)];

        assert_eq!(lines(&facts), "id      u1\n");
    }
}
