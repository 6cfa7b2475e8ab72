//! Tables of RFC 4180 which no spreadsheet takes for formulas.

use std::borrow::Cow;

use ee_core::storage::AuditEntry;

/// A column: its name and what an event has there.
pub(super) type Column = (&'static str, fn(&AuditEntry) -> Cow<'_, str>);

/// Writes the names of the columns.
pub(super) fn head(out: &mut Vec<u8>, columns: &[Column]) {
    for (at, (name, _)) in columns.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend(name.as_bytes());
    }
    out.extend(b"\r\n");
}

/// Writes an event. Every cell is quoted.
pub(super) fn row(out: &mut Vec<u8>, columns: &[Column], entry: &AuditEntry) {
    for (at, (_, value)) in columns.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        cell(out, &value(entry));
    }
    out.extend(b"\r\n");
}

fn cell(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if is_formula(text) {
        out.push(b'\'');
    }
    for (at, piece) in text.split('"').enumerate() {
        if at > 0 {
            out.extend(b"\"\"");
        }
        out.extend(piece.as_bytes());
    }
    out.push(b'"');
}

/// Tells whether a spreadsheet could take a cell for a formula, also one that drops spaces, quotes or invisible characters
/// before it. Of a cell that begins with an apostrophe the same is asked, so that the one which is added can be told.
fn is_formula(text: &str) -> bool {
    if text.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let is_dropped = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '"' | '\'' | '\u{feff}' | '\u{200b}'..='\u{200f}')
    };
    let first = text.chars().find(|c| !is_dropped(*c));
    matches!(
        first,
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        cell(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quotes_are_doubled_and_formulas_are_texts() {
        for (text, cell) in [
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("=1", "\"'=1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@A", "\"'@A\""),
            ("\tA", "\"'\tA\""),
            ("\rA", "\"'\rA\""),
            ("\"=1", "\"'\"\"=1\""),
            ("'=1", "\"''=1\""),
            ("  =1", "\"'  =1\""),
            ("\u{feff}=1", "\"'\u{feff}=1\""),
            ("＝1", "\"'＝1\""),
            ("a=1", "\"a=1\""),
            ("12", "\"12\""),
            ("2026-01-02T03:04:05Z", "\"2026-01-02T03:04:05Z\""),
        ] {
            assert_eq!(written(text), cell, "{text:?}");
        }
    }
}
