//! Messages of RFC 5424.

use std::fmt::Write as _;

use ee_core::storage::AuditEntry;

/// The enterprise number of examples (RFC 5612): we have none of our own.
const ENTERPRISE: u32 = 32_473;

/// Stands before a text that is not plain ASCII (RFC 5424 §6.4). One that is can be read as UTF-8 without it, and many
/// receivers look for what stands at the start of a text.
const BOM: &str = "\u{feff}";

/// What is the same in all messages.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) app_name: String,
    pub(super) facility: u8,
    pub(super) host_name: Option<String>,
    pub(super) software: String,
    pub(super) version: String,
}

impl Header {
    /// Writes an event with this text.
    pub(super) fn message(&self, entry: &AuditEntry, text: &str) -> Vec<u8> {
        let event = &entry.record.event;
        let priority = u16::from(self.facility) * 8 + severity(event.severity());
        let host = self.host_name.as_deref().unwrap_or("-");
        let (at, code) = (event.timestamp, event.code());
        let mut line = format!("<{priority}>1 {at:.6} {host} {} - {code} ", self.app_name);
        element(
            &mut line,
            "origin",
            &[("software", &self.software), ("swVersion", &self.version)],
        );
        let (id, seq) = (event.id.to_string(), entry.seq.to_string());
        let mut pairs = vec![
            ("id", &*id),
            ("seq", &seq),
            ("partition", &entry.partition),
            ("action", event.action.as_str()),
            ("outcome", event.outcome.as_str()),
            ("actor", &event.actor.id),
        ];
        if let Some(resource) = &event.resource {
            pairs.push(("resourceType", &resource.kind));
            pairs.push(("resourceId", &resource.id));
        }
        element(&mut line, &format!("audit@{ENTERPRISE}"), &pairs);
        line.push(' ');
        if !text.is_ascii() {
            line += BOM;
        }
        line += text;
        line.into_bytes()
    }
}

/// Writes an element of structured data (RFC 5424 §6.3).
fn element(line: &mut String, id: &str, pairs: &[(&str, &str)]) {
    line.push('[');
    line.push_str(id);
    for (name, value) in pairs {
        // A string takes everything.
        let _ = write!(line, " {name}=\"");
        for c in value.chars() {
            match c {
                '"' | '\\' | ']' => line.extend(['\\', c]),
                // Some receivers end a message there, whatever its length says.
                _ if c.is_control() => line.push('\u{fffd}'),
                _ => line.push(c),
            }
        }
        line.push('"');
    }
    line.push(']');
}

/// Turns 0 to 10 into a severity of RFC 5424: from informational to critical.
const fn severity(severity: u8) -> u16 {
    match severity {
        0..=2 => 6,
        3 | 4 => 5,
        5 | 6 => 4,
        7 | 8 => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use ee_core::{
        ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource,
        storage::AuditRecord,
    };

    use super::*;

    fn message(text: &str) -> String {
        let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        let actor = AuditActor::new(ActorType::User, "a\"]\\\nä");
        let action = AuditAction::ROLE_WRITE;
        let mut event = AuditEvent::new(at, actor, action, AuditOutcome::Success);
        event.id = uuid::Uuid::from_u128(1);
        event.resource = Some(AuditResource::new("role", "ops"));
        let entry = AuditEntry {
            record: AuditRecord::new(event).unwrap(),
            partition: "default".to_owned(),
            received_at: at,
            seq: 7,
        };
        let header = Header {
            app_name: "mastra-ee".to_owned(),
            facility: 13,
            host_name: None,
            software: "Mastra".to_owned(),
            version: "1.0".to_owned(),
        };
        String::from_utf8(header.message(&entry, text)).unwrap()
    }

    #[test]
    fn nothing_that_somebody_has_named_ends_a_value_or_a_message() {
        assert_eq!(
            message("{}"),
            "<108>1 2026-01-02T03:04:05.678901Z - mastra-ee - MA-3002I \
             [origin software=\"Mastra\" swVersion=\"1.0\"]\
             [audit@32473 id=\"00000000-0000-0000-0000-000000000001\" seq=\"7\" partition=\"default\" \
             action=\"roles.update\" outcome=\"success\" actor=\"a\\\"\\]\\\\\u{fffd}ä\" \
             resourceType=\"role\" resourceId=\"ops\"] {}"
        );
    }

    #[test]
    fn a_text_that_is_not_ascii_says_that_it_is_utf_8() {
        assert!(message("{\"a\":\"ä\"}").ends_with("] \u{feff}{\"a\":\"ä\"}"));
        assert!(message("{\"a\":\"a\"}").ends_with("] {\"a\":\"a\"}"));
    }
}
