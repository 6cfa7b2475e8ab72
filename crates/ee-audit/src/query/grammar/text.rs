//! Writes a filter in the grammar.

use std::fmt::{self, Write as _};

use ee_core::{AuditField, AuditFilter, AuditTest};

use super::super::{normal, value::addresses_text};

/// Writes a filter so that [`parse`](super::parse) reads its [normal form](super::super::normal) again, as long as it is
/// within the limits of a line. Everything is written as the empty text.
pub fn to_text(filter: &AuditFilter) -> String {
    let mut text = String::new();
    match normal(filter.clone()) {
        AuditFilter::All(parts) => list(&mut text, " ", &parts),
        part @ AuditFilter::Any(_) => match pairs(&part) {
            Some(pairs) => text.push_str(&pairs),
            None => alternatives(&mut text, &part),
        },
        part => term(&mut text, &part),
    }
    text
}

fn alternatives(text: &mut String, part: &AuditFilter) {
    if let AuditFilter::Any(parts) = part {
        list(text, " OR ", parts);
    }
}

fn list(text: &mut String, between: &str, parts: &[AuditFilter]) {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            text.push_str(between);
        }
        term(text, part);
    }
}

/// Writes what stands alone, in brackets if need be.
fn term(text: &mut String, part: &AuditFilter) {
    if let Some(pairs) = pairs(part) {
        text.push_str(&pairs);
        return;
    }
    match part {
        AuditFilter::All(parts) if parts.is_empty() => text.push('*'),
        AuditFilter::All(parts) => {
            text.push('(');
            list(text, " ", parts);
            text.push(')');
        }
        AuditFilter::Any(_) => {
            text.push('(');
            alternatives(text, part);
            text.push(')');
        }
        AuditFilter::AtLeast(millis) => append(text, format_args!("duration:>={millis}")),
        AuditFilter::Before(end) => append(text, format_args!("created:<{end}")),
        AuditFilter::Not(part) => {
            text.push('-');
            term(text, part);
        }
        AuditFilter::Since(start) => append(text, format_args!("created:>={start}")),
        AuditFilter::Words(words) => text.push_str(&words_text(words)),
        // Pairs are written above, and a filter that is not known here fits nothing here.
        _ => text.push_str("-*"),
    }
}

fn append(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing into a text does not fail.
    let _ = text.write_fmt(more);
}

/// Writes a test of a field, or several of which one must fit.
fn pairs(part: &AuditFilter) -> Option<String> {
    let parts = match part {
        AuditFilter::Any(parts) => parts.as_slice(),
        part => std::slice::from_ref(part),
    };
    let key = key(parts.first()?)?;
    let values: Option<Vec<String>> = parts
        .iter()
        .map(|part| (self::key(part)? == key).then(|| value(part)).flatten())
        .collect();
    Some(format!("{}:{}", key.as_str(), values?.join(",")))
}

fn key(part: &AuditFilter) -> Option<AuditField> {
    match part {
        AuditFilter::Addresses { .. } => Some(AuditField::Ip),
        AuditFilter::Field(field, _) => Some(*field),
        _ => None,
    }
}

fn value(part: &AuditFilter) -> Option<String> {
    match part {
        AuditFilter::Addresses { first, last } => Some(addresses_text(*first, *last)),
        AuditFilter::Field(_, AuditTest::EndsWith(text)) => Some(format!("*{}", plain(text))),
        AuditFilter::Field(_, AuditTest::Is(text)) => Some(plain(text)),
        AuditFilter::Field(_, AuditTest::StartsWith(text)) if text.is_empty() => {
            Some("*".to_owned())
        }
        AuditFilter::Field(_, AuditTest::StartsWith(text)) => Some(format!("{}*", plain(text))),
        _ => None,
    }
}

/// Quotes words where they could be read as something else.
fn words_text(words: &[String]) -> String {
    let is_plain = |c: char| c.is_alphanumeric() && !c.is_ascii_uppercase();
    match words {
        [word] if word.chars().all(is_plain) => word.clone(),
        // No other letter has a lower case with something in it that would end a word.
        words => quoted(&words.join(" ").replace("i\u{307}", "İ")),
    }
}

/// Quotes a value where that is needed.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-/@:+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    quoted(text)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
