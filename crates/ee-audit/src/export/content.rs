//! What was said to a model, and what it said: not everybody who reads the record may read that.

use ee_core::{AuditRedaction, Error, ErrorKind, RedactionMethod, storage::AuditEntry};
use serde_json::{Map, Value};

/// Where content stands.
const CONTENT: [&str; 2] = ["/ai/input", "/ai/output"];

/// Takes the content out of an event and out of what its commitments stand for. What is left is verified as before.
///
/// Fails with [`ErrorKind::Internal`] when what the commitments stand for cannot be read.
pub fn hide_content(entry: &mut AuditEntry) -> Result<(), Error> {
    let event = &mut entry.record.event;
    if let Some(ai) = &mut event.ai {
        for (content, path) in [&mut ai.input, &mut ai.output].into_iter().zip(CONTENT) {
            if content.take().is_some() {
                let redaction = AuditRedaction::new(path, RedactionMethod::Removed);
                event.redactions.push(redaction);
            }
        }
    }
    let personal = entry.record.personal.as_deref();
    let Some(personal) = personal.filter(|text| has_content(text)) else {
        return Ok(());
    };
    let mut kept: Map<String, Value> = serde_json::from_str(personal).map_err(|_| {
        // Without the cause, which may tell what stands there.
        Error::new(
            ErrorKind::Internal,
            "what was erased of an event cannot be told",
        )
    })?;
    for path in CONTENT {
        kept.remove(path);
    }
    entry.record.personal = (!kept.is_empty()).then(|| Value::Object(kept).to_string());
    Ok(())
}

/// Tells whether there may be content in an event.
pub(super) fn is_in(entry: &AuditEntry) -> bool {
    let ai = entry.record.event.ai.as_ref();
    ai.is_some_and(|ai| ai.input.is_some() || ai.output.is_some())
        || entry.record.personal.as_deref().is_some_and(has_content)
}

/// Tells whether commitments may stand for content, also where the slashes are escaped.
fn has_content(personal: &str) -> bool {
    personal.contains("ai/") || personal.contains('\\')
}
