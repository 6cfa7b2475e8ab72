//! One form for filters that mean the same in the same words.

use ee_core::AuditFilter;

use super::{context::whole_micros, value::settle};

/// Fits nothing.
pub(super) fn nothing() -> AuditFilter {
    not(AuditFilter::EVERYTHING)
}

/// Fits what all of these fit. What stands within an `All` stands in this one, and its words are searched at once.
pub(super) fn all(parts: impl IntoIterator<Item = AuditFilter>) -> AuditFilter {
    let mut flat = Vec::new();
    // At most one of these is `Words`.
    let mut words_at = None;
    for part in parts {
        let inner = match part {
            AuditFilter::All(inner) => inner,
            other => vec![other],
        };
        for part in inner {
            let AuditFilter::Words(more) = part else {
                flat.push(part);
                continue;
            };
            let words = words_at.and_then(|at: usize| flat.get_mut(at));
            if let Some(AuditFilter::Words(words)) = words {
                words.extend(more);
            } else {
                words_at = Some(flat.len());
                flat.push(AuditFilter::Words(more));
            }
        }
    }
    only(flat).unwrap_or_else(AuditFilter::All)
}

/// Fits what one of these fits.
pub(super) fn any(parts: impl IntoIterator<Item = AuditFilter>) -> AuditFilter {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            AuditFilter::Any(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.is_empty() {
        return nothing();
    }
    only(flat).unwrap_or_else(AuditFilter::Any)
}

/// Fits what this does not.
pub(super) fn not(part: AuditFilter) -> AuditFilter {
    match part {
        AuditFilter::Not(inner) => *inner,
        other => AuditFilter::Not(Box::new(other)),
    }
}

/// Returns the one part, or the parts again.
fn only(mut parts: Vec<AuditFilter>) -> Result<AuditFilter, Vec<AuditFilter>> {
    match parts.pop() {
        Some(part) if parts.is_empty() => Ok(part),
        last => {
            parts.extend(last);
            Err(parts)
        }
    }
}

/// Returns the normal form of a filter, which fits the same events: what [`parse`](super::parse) makes of
/// [`to_text`](super::to_text).
pub fn normal(filter: AuditFilter) -> AuditFilter {
    match filter {
        AuditFilter::Addresses { first, last } => {
            let is_span = first.is_ipv4() == last.is_ipv4() && first <= last;
            if is_span { filter } else { nothing() }
        }
        AuditFilter::All(parts) => all(parts.into_iter().map(normal)),
        AuditFilter::Any(parts) => any(parts.into_iter().map(normal)),
        AuditFilter::Before(end) => AuditFilter::Before(whole_micros(end)),
        AuditFilter::Field(field, test) => settle(field, test),
        AuditFilter::Not(part) => not(normal(*part)),
        AuditFilter::Since(start) => AuditFilter::Since(whole_micros(start)),
        AuditFilter::Words(mut words) => {
            // Every event has a word that begins with nothing.
            words.retain(|word| !word.is_empty());
            let words = (!words.is_empty()).then_some(AuditFilter::Words(words));
            all(words)
        }
        other => other,
    }
}
